import Foundation
import MartletBase
import MartletTasks
import MartletWire

/// What goes with a webhook, as Standard Webhooks has it: an id that is the same in every attempt, the time of this
/// one, and a signature of both and the body, so that nobody can send an old one again later.
enum WebhookHeaders {
    /// - Parameters:
    ///   - secret: nil: it goes unsigned.
    ///   - now: In seconds since 1970.
    static func of(_ message: WebhookMessage, secret: Secret?, now: Int64) -> [(name: String, value: String)] {
        var headers = [
            (name: "Content-Type", value: "application/json"), (name: "webhook-id", value: message.id),
            (name: "webhook-timestamp", value: "\(now)"),
        ]
        if let key = secret.flatMap(WebhookConfiguration.key) {
            let signed = Array("\(message.id).\(now).\(message.body)".utf8)
            let digest = SHA256.hmac(signed, key: key).digest
            headers.append((name: "webhook-signature", value: "v1," + Data(digest).base64EncodedString()))
        }
        return headers
    }
}
