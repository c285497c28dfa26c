import MartletWire

/// A queue as kombu describes it, whole: monitors read members that they do not show.
enum QueueReport {
    static func report(_ queue: String) -> JSONValue {
        let exchange: JSONValue = [
            "name": .string(queue), "type": "direct", "arguments": .null, "durable": true, "passive": false,
            "auto_delete": false, "delivery_mode": .null, "no_declare": false,
        ]
        return [
            "name": .string(queue), "exchange": exchange, "routing_key": .string(queue), "queue_arguments": .null,
            "binding_arguments": .null, "consumer_arguments": .null, "durable": true, "exclusive": false,
            "auto_delete": false, "no_ack": false, "alias": .null, "bindings": [], "no_declare": .null, "expires": .null,
            "message_ttl": .null, "max_length": .null, "max_length_bytes": .null, "max_priority": .null,
        ]
    }
}
