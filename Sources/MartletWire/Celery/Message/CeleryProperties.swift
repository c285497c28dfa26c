/// The `properties` of an envelope, as far as anybody reads them.
struct CeleryProperties {
    var deliveryTag: JSONScalar.Kind?
    var bodyEncoding: JSONScalar.Kind?
    /// With its quotes.
    var replyTo: ArraySlice<UInt8>?
    /// With its quotes.
    var correlationID: ArraySlice<UInt8>?
    var priority = 0
    var hasDeliveryInfo = false
    var exchange: JSONScalar.Kind?
    var routingKey: JSONScalar.Kind?

    /// Takes the value when `member`, where a name is, is one of ours.
    mutating func take(_ member: Range<Int>, _ cursor: inout JSONCursor) throws(WireError) -> Bool {
        switch member.count {
        case 8 where cursor.spells("priority", at: member):
            priority = Int(String(decoding: try cursor.value(), as: UTF8.self)) ?? 0
        case 8 where cursor.spells("reply_to", at: member): replyTo = try cursor.value()
        case 12 where cursor.spells("delivery_tag", at: member): deliveryTag = try cursor.kind()
        case 13 where cursor.spells("body_encoding", at: member): bodyEncoding = try cursor.kind()
        case 14 where cursor.spells("correlation_id", at: member): correlationID = try cursor.value()
        default: return false
        }
        return true
    }

    /// As ``take(_:_:)``, for the members of `delivery_info`.
    mutating func takeDeliveryInfo(_ member: Range<Int>, _ cursor: inout JSONCursor) throws(WireError) -> Bool {
        if cursor.spells("exchange", at: member) {
            exchange = try cursor.kind()
        } else if cursor.spells("routing_key", at: member) {
            routingKey = try cursor.kind()
        } else {
            return false
        }
        return true
    }

    /// What every envelope must have.
    func address() throws(CeleryFlaw) -> (deliveryTag: String, exchange: String, routingKey: String) {
        guard case .string(let tag) = deliveryTag, !tag.isEmpty else { throw .noDeliveryTag }
        guard hasDeliveryInfo else { throw .noDeliveryInfo }
        guard case .string(let exchange) = exchange else { throw .noExchange }
        guard case .string(let routingKey) = routingKey else { throw .noRoutingKey }
        return (tag, exchange, routingKey)
    }
}
