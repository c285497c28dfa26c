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

    /// Takes the value when `member`, a name with its quotes, is one of ours.
    mutating func take(_ member: ArraySlice<UInt8>, _ cursor: inout JSONCursor) throws(WireError) -> Bool {
        switch member.count {
        case 10 where member.elementsEqual(#""priority""#.utf8):
            priority = Int(String(decoding: try cursor.value(), as: UTF8.self)) ?? 0
        case 10 where member.elementsEqual(#""reply_to""#.utf8): replyTo = try cursor.value()
        case 14 where member.elementsEqual(#""delivery_tag""#.utf8): deliveryTag = try cursor.kind()
        case 15 where member.elementsEqual(#""body_encoding""#.utf8): bodyEncoding = try cursor.kind()
        case 16 where member.elementsEqual(#""correlation_id""#.utf8): correlationID = try cursor.value()
        default: return false
        }
        return true
    }

    /// As ``take(_:_:)``, for the members of `delivery_info`.
    mutating func takeDeliveryInfo(_ member: ArraySlice<UInt8>, _ cursor: inout JSONCursor) throws(WireError) -> Bool {
        if member.elementsEqual(#""exchange""#.utf8) {
            exchange = try cursor.kind()
        } else if member.elementsEqual(#""routing_key""#.utf8) {
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
