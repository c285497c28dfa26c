import MartletBase
import MartletNet
import MartletWire
import NIOCore

/// What a webhook is told.
package struct WebhookMessage: Sendable, Equatable {
    /// The task's: the same one in every attempt.
    package var id: String
    /// JSON.
    package var body: String

    package init(id: String, body: String) {
        (self.id, self.body) = (id, body)
    }
}

/// Sends what a webhook is told. The desk decides when and how often.
package protocol WebhookSender: Sendable {
    /// - Throws: `invalid_body` where nobody may be told at that URL.
    func check(_ url: String) async throws
    /// Whether whoever is there took it.
    func send(_ message: WebhookMessage, to url: String) async -> Bool
}

/// Where nobody is told anything.
package struct NoWebhooks: WebhookSender {
    package init() {}

    package func check(_ url: String) async throws {
        throw MartletError(.invalidBody, cause: "webhooks are not configured here")
    }

    package func send(_ message: WebhookMessage, to url: String) async -> Bool { false }
}

/// A webhook that is to be told, as the broker keeps it until that is done.
struct WebhookTry: Sendable, Equatable {
    var url: String
    /// Attempts so far.
    var attempts = 0
    /// When to look again, in milliseconds since 1970.
    var due: Int64

    init(url: String, due: Int64) {
        (self.url, self.due) = (url, due)
    }

    /// - Parameter value: ``text``, as the broker answers it.
    init?(_ value: RESPValue) {
        let json = value.bytes.flatMap { JSONValue.parsed($0.readableBytesView) }
        guard let url = json?["url"]?.plainText, let due = json?["due"]?.int else { return nil }
        self.init(url: url, due: Int64(due))
        attempts = json?["attempts"]?.int ?? 0
    }

    /// Whose share of those that are told at a time it takes.
    var host: String { (try? HTTPURL(url))?.origin.host ?? url }

    var text: String {
        let value: JSONValue = [
            "url": .string(url), "attempts": .integer(Int64(attempts)), "due": .integer(due),
        ]
        return value.text
    }

    /// The pause after a failed attempt: twice as long each time, up to ten minutes.
    mutating func failed(now: Int64) {
        attempts += 1
        due = now + min(1000 << Int64(min(attempts - 1, 20)), 600_000)
    }
}
