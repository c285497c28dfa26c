import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

// Telling those who asked to be told that a task ended.
extension TaskDesk {
    /// Hash: task id to its ``WebhookTry``.
    static let webhookKey = "martlet.webhooks"
    /// Of those, the ones that are looked at at a time.
    private static let page = "200"

    /// Tells webhooks of tasks that ended, many at a time (``WebhookLine``), until the task is cancelled.
    func tellWebhooks() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                try? await tellWebhooks(in: &group)
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Goes through all that are to be told, once, and has those told for which there is room.
    func tellWebhooks(in group: inout DiscardingTaskGroup) async throws {
        var cursor = "0"
        repeat {
            let parts = try await ask([command("HSCAN", Self.webhookKey, cursor, "COUNT", Self.page)]).first?.elements
            guard let parts, parts.count == 2 else { return }
            cursor = parts[0].string ?? "0"
            for (id, host) in try await ended(among: due(in: parts[1].elements)) {
                guard webhookLine.withLock({ $0.add(id, host: host) }) else { continue }
                group.addTask { await self.tell(beginningWith: id) }
            }
        } while cursor != "0"
    }

    /// Those whose time has come and for which there is room.
    private func due(in fields: [RESPValue]) -> [(id: String, host: String)] {
        let now = Self.nowMilliseconds
        return stride(from: 0, to: fields.count - 1, by: 2).compactMap { index in
            guard let id = fields[index].string, let hook = WebhookTry(fields[index + 1]), hook.due <= now,
                webhookLine.withLock({ $0.admits(id, host: hook.host) })
            else { return nil }
            return (id, hook.host)
        }
    }

    /// Those whose tasks are over. Where a result was never stored, and what was known of the task is forgotten, the
    /// webhook is, too.
    private func ended(among due: [(id: String, host: String)]) async throws -> [(id: String, host: String)] {
        let stored = try await ask(due.map { command("GET", TaskResult.key($0.id)) }, at: results)
        let states = stored.map { value in
            value.bytes.flatMap { JSONValue.parsed($0.readableBytesView) }?["status"]?.plainText
        }
        let unknown = zip(due, stored).filter { $0.1 == .null }.map(\.0.id)
        let memos = try await ask(unknown.map { command("EXISTS", Self.memo($0)) })
        let forgotten = zip(unknown, memos).filter { $0.1.wholeNumber == 0 }.map(\.0)
        if !forgotten.isEmpty { _ = try await ask([command(["HDEL", Self.webhookKey] + forgotten)]) }
        return zip(due, states).filter { $0.1.map(TaskState.isReady) ?? false }.map(\.0)
    }

    /// Tells one, and then those whose turn comes by its end.
    private func tell(beginningWith id: String) async {
        var next: String? = id
        // A server that stops leaves them to the others, or to its next start.
        while let id = next, !Task.isCancelled {
            try? await tell(id)
            next = webhookLine.withLock { $0.ended(id) }
        }
    }

    private func tell(_ id: String) async throws {
        guard let message = try await webhookMessage(id) else { return }
        // Another server beside this one must not tell it, too; if this one dies, the next look is the next attempt.
        let claim = "martlet-webhook-\(id)"
        let seconds = "\(Int64(settings.webhooks.timeout.inSeconds) + 5)"
        let answers = try await ask([
            command("SET", claim, "1", "NX", "EX", seconds), command("HGET", Self.webhookKey, id),
        ])
        guard answers.first?.string == "OK" else { return }
        // While it waited here, that one may have told it.
        guard var hook = answers.last.flatMap({ WebhookTry($0) }), hook.due <= Self.nowMilliseconds else {
            try await transaction([command("DEL", claim)])
            return
        }
        let isDone = await webhooks.send(message, to: hook.url)
        guard isDone || !Task.isCancelled else {
            // It was not the receiver that failed.
            try await transaction([command("DEL", claim)])
            return
        }
        if !isDone { hook.failed(now: Self.nowMilliseconds) }
        let isOver = isDone || hook.attempts >= settings.webhooks.attempts
        if isOver, !isDone { logger.warning("a webhook was given up", metadata: ["task": "\(id)"]) }
        try await transaction([
            isOver ? command("HDEL", Self.webhookKey, id) : command("HSET", Self.webhookKey, id, hook.text),
            command("DEL", claim),
        ])
    }

    /// nil: the task is not over.
    private func webhookMessage(_ id: String) async throws -> WebhookMessage? {
        let result = try await result(of: id)
        guard let state = result?["status"]?.plainText, TaskState.isReady(state) else { return nil }
        let view = TaskView(id: id, result: result, memo: nil, record: nil).json
        let body: JSONValue = [
            "id": .string(id), "state": .string(state), "result": view["result"] ?? .null,
            "error": view["error"] ?? .null, "date_done": view["date_done"] ?? .null,
        ]
        return WebhookMessage(id: id, body: body.text)
    }
}
