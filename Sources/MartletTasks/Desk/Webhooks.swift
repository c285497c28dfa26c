import Foundation
import Logging
import MartletBase
import MartletLogic
import MartletWire
import NIOCore

/// Sends what a webhook is told. The desk decides when and how often.
package protocol WebhookSender: Sendable {
    /// - Throws: `invalid_body` where nobody may be told at that URL.
    func check(_ url: String) async throws
    /// Whether whoever is there took it.
    func send(_ body: String, to url: String) async -> Bool
}

/// Where nobody is told anything.
package struct NoWebhooks: WebhookSender {
    package init() {}

    package func check(_ url: String) async throws {
        throw MartletError(.invalidBody, cause: "webhooks are not configured here")
    }

    package func send(_ body: String, to url: String) async -> Bool { false }
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

    init?(_ value: JSONValue?) {
        guard let url = value?["url"]?.plainText, let due = value?["due"]?.int else { return nil }
        self.init(url: url, due: Int64(due))
        attempts = value?["attempts"]?.int ?? 0
    }

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

extension TaskDesk {
    /// Hash: task id to its ``WebhookTry``.
    static let webhookKey = "martlet.webhooks"
    /// Of those, the ones that are looked at at a time.
    private static let page = "200"

    /// Tells webhooks of tasks that ended, until the task is cancelled.
    func tellWebhooks() async {
        while !Task.isCancelled {
            try? await tellWebhooksOnce()
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// Goes through all that are to be told, once.
    func tellWebhooksOnce() async throws {
        var cursor = "0"
        repeat {
            let parts = try await ask([command("HSCAN", Self.webhookKey, cursor, "COUNT", Self.page)]).first?.elements
            guard let parts, parts.count == 2 else { return }
            cursor = parts[0].string ?? "0"
            let fields = parts[1].elements
            let now = Self.nowMilliseconds
            var due: [(id: String, hook: WebhookTry)] = []
            for index in stride(from: 0, to: fields.count - 1, by: 2) {
                guard let id = fields[index].string, let bytes = fields[index + 1].bytes,
                    let hook = WebhookTry(JSONValue.parsed(bytes.readableBytesView)), hook.due <= now
                else { continue }
                due.append((id, hook))
            }
            await withTaskGroup(of: Void.self) { group in
                for (id, hook) in due { group.addTask { try? await self.tell(hook, of: id) } }
            }
        } while cursor != "0"
    }

    private func tell(_ hook: WebhookTry, of id: String) async throws {
        let result = try await result(of: id)
        guard let state = result?["status"]?.plainText, TaskState.isReady(state) else {
            // Its result was never stored, and what was known of it is forgotten.
            let isKept = try await ask([command("EXISTS", Self.memo(id))]).first?.wholeNumber != 0
            guard result == nil, !isKept else { return }
            _ = try await ask([command("HDEL", Self.webhookKey, id)])
            return
        }
        let view = TaskView(id: id, result: result, memo: nil, record: nil).json
        let body: JSONValue = [
            "id": .string(id), "state": .string(state), "result": view["result"] ?? .null,
            "error": view["error"] ?? .null, "date_done": view["date_done"] ?? .null,
        ]
        // Another server beside this one must not tell it, too; if this one dies, the next look is the next attempt.
        let claim = "martlet-webhook-\(id)"
        let seconds = "\(Int64(settings.webhooks.timeout.inSeconds) + 5)"
        guard try await ask([command("SET", claim, "1", "NX", "EX", seconds)]).first?.string == "OK" else { return }
        var next = hook
        let isDone = await webhooks.send(body.text, to: hook.url)
        if !isDone { next.failed(now: Self.nowMilliseconds) }
        if isDone || next.attempts >= settings.webhooks.attempts {
            if !isDone { logger.warning("a webhook was given up", metadata: ["task": "\(id)"]) }
            try await transaction([command("HDEL", Self.webhookKey, id), command("DEL", claim)])
        } else {
            try await transaction([command("HSET", Self.webhookKey, id, next.text), command("DEL", claim)])
        }
    }
}
