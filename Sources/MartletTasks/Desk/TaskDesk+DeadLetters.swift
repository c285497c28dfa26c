import MartletBase
import MartletLogic
package import MartletWire
import NIOCore

// Messages that were put aside because every worker that had them died, and the way back.
extension TaskDesk {
    /// One call moves no more.
    package static let mostReplayed = 1000
    /// Who moves a message says so for as long: another one must not move it, too.
    private static let claimSeconds = "30"

    /// A page of a queue's dead letters, the oldest first: `{"queue", "total", "tasks": […], "next": "…"}`.
    package func deadLetters(of queue: String, after offset: Int, limit: Int) async throws -> JSONValue {
        let key = QueueLists.deadLetters(queue)
        let total = try await lengths(of: [key])[0]
        let tasks = try await messages(of: key, from: offset, count: min(limit, max(0, total - offset)))
            .map { WaitingTask($0)?.summary ?? ["id": .null, "name": "(no task)"] }
        let next = offset + limit
        return [
            "queue": .string(queue), "total": .integer(Int64(total)), "tasks": .array(tasks),
            "next": .optional(next < total ? "\(next)" : nil),
        ]
    }

    /// Puts dead letters back on their queue, where they count as new.
    ///
    /// - Parameters:
    ///   - ids: of the tasks; nil: the oldest ones.
    ///   - limit: how many at most.
    /// - Returns: the ids of those that went back.
    package func replay(_ queue: String, ids: Set<String>?, limit: Int) async throws -> [String] {
        let key = QueueLists.deadLetters(queue)
        let bound = min(limit, Self.mostReplayed)
        let length = min(try await lengths(of: [key])[0], settings.scannedMessages)
        var found: [WaitingTask] = []
        var start = 0
        while start < length, found.count < bound {
            let messages = try await messages(of: key, from: start, count: min(500, length - start))
            if messages.isEmpty { break }
            found += messages.compactMap { WaitingTask($0) }.filter { ids?.contains($0.id) ?? true }
            start += messages.count
        }
        var replayed: [String] = []
        for task in found.prefix(bound) {
            if try await replay(task, from: key, to: queue) { replayed.append(task.id) }
        }
        return replayed
    }

    /// Off one list and on the other as one step. False: somebody else does it.
    private func replay(_ task: WaitingTask, from dead: String, to queue: String) async throws -> Bool {
        let claim = "martlet-replay-\(task.tag)"
        let answers = try await ask([
            command("SET", claim, "1", "NX", "EX", Self.claimSeconds), command("LPOS", dead) + [task.message],
        ])
        for case .error(let text) in answers { throw Self.refusal(text) }
        guard answers.first?.string == "OK" else { return false }
        guard answers.last?.wholeNumber != nil else {
            try await transaction([command("DEL", claim)])
            return false
        }
        // Whoever asks waits for the new end, not for that of the run before.
        let forgetting = command("DEL", ResultWatch.channelPrefix + task.id)
        if results !== broker { try await transaction([forgetting], at: results) }
        try await transaction((results === broker ? [forgetting] : []) + [
            command("LPUSH", QueueLists.key(queue, priority: task.priority)) + [task.message],
            command("LREM", dead, "-1") + [task.message],
            command("ZREM", Self.revokedKey, task.id), command("DEL", claim),
        ])
        var news = TaskNews(id: task.id, state: TaskState.pending, time: Self.now)
        news.name = task.name
        news.queue = queue
        note(news)
        return true
    }
}
