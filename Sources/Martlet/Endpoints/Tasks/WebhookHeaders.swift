import Foundation
import MartletBase
import MartletTasks
import MartletWire

/// What goes with a webhook, as Standard Webhooks has it: an id that is the same in every attempt, the time of this
/// one, and a signature of both and the body, so that nobody can send an old one again later.
enum WebhookHeaders {
    /// What stands before a secret in base64, as libraries that check signatures want it.
    private static let base64Mark = "whsec_"

    /// - Parameters:
    ///   - secret: nil: it goes unsigned.
    ///   - now: In seconds since 1970.
    static func of(_ message: WebhookMessage, secret: Secret?, now: Int64) -> [(name: String, value: String)] {
        var headers = [
            (name: "Content-Type", value: "application/json"), (name: "webhook-id", value: message.id),
            (name: "webhook-timestamp", value: "\(now)"),
        ]
        if let secret {
            let signed = Array("\(message.id).\(now).\(message.body)".utf8)
            let digest = SHA256.hmac(signed, key: key(of: secret)).digest
            headers.append((name: "webhook-signature", value: "v1," + Data(digest).base64EncodedString()))
        }
        return headers
    }

    private static func key(of secret: Secret) -> [UInt8] {
        let text = secret.exposed
        guard text.hasPrefix(base64Mark), let key = Data(base64Encoded: String(text.dropFirst(base64Mark.count)))
        else { return Array(text.utf8) }
        return Array(key)
    }
}
