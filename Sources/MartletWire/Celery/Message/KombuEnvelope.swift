/// The envelope that everything travels in, as kombu writes it: tasks, events, requests and replies of remote control.
struct KombuEnvelope {
    var exchange: String
    var routingKey: String
    /// 1: may be lost with the broker; 2: shall survive it.
    var deliveryMode: Int
    var deliveryTag: String
    var priority = 0

    /// - Parameters:
    ///   - body: JSON, not yet encoded.
    ///   - headers: Writes the members of `headers`, without the brackets.
    ///   - properties: Writes members of `properties` that come first, each with `, ` behind it.
    func bytes(
        body: [UInt8], headers: (inout PythonJSON) -> Void, properties: (inout PythonJSON) -> Void = { _ in },
        expiration: Int64? = nil
    ) -> [UInt8] {
        var writer = PythonJSON(reserving: body.count / 3 * 4 + 1200)
        writer.put("{\"body\": \"")
        writer.put(base64: body)
        writer.put(#"", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"#)
        headers(&writer)
        writer.put("}, \"properties\": {")
        properties(&writer)
        writer.put("\"delivery_mode\": ")
        writer.write(deliveryMode)
        if let expiration { writer.put(", \"expiration\": \"\(expiration)\"") }
        writer.put(", \"delivery_info\": {\"exchange\": ")
        writer.write(exchange)
        writer.put(", \"routing_key\": ")
        writer.write(routingKey)
        writer.put("}, \"priority\": ")
        writer.write(priority)
        writer.put(", \"body_encoding\": \"base64\", \"delivery_tag\": ")
        writer.write(deliveryTag)
        writer.put("}}")
        return writer.bytes
    }
}
