import Foundation
import MartletWire

/// A message of Celery's remote control to all workers.
struct ControlBroadcast {
    let text: String

    /// - Parameters:
    ///   - expires: in seconds since 1970; who reads it later does nothing.
    ///   - replyTo: Who waits for answers, by the name of its list; nil: nobody does.
    init(_ method: String, _ arguments: JSONValue, expires: Double, replyTo: String? = nil) {
        var body: JSONValue = [
            "method": .string(method), "arguments": arguments, "destination": .null, "pattern": .null,
            "matcher": .null,
        ]
        if let replyTo {
            body["ticket"] = .string(UUID().uuidString.lowercased())
            body["reply_to"] = ["exchange": "reply.celery.pidbox", "routing_key": .string(replyTo)]
        }
        let message: JSONValue = [
            "body": .string(Data(body.text.utf8).base64EncodedString()), "content-encoding": "utf-8",
            "content-type": "application/json", "headers": ["clock": 1, "expires": .number(expires)],
            "properties": [
                "delivery_mode": 2, "delivery_info": ["exchange": "celery.pidbox", "routing_key": ""], "priority": 0,
                "body_encoding": "base64", "delivery_tag": .string(UUID().uuidString.lowercased()),
            ],
        ]
        text = message.text
    }
}
