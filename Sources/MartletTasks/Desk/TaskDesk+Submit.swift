import Foundation
import MartletBase
import MartletLogic
import MartletWire
import NIOCore
import Synchronization

/// A task that was handed in.
package struct SubmittedTask: Sendable, Equatable {
    package var id: String
    package var queue: String
    /// False: it was handed in before, under the same key.
    package var isNew = true
}

extension TaskDesk {
    /// How long a submission may take before another one with its key takes over.
    private static let patience = 10_000

    /// Puts a task on its queue. When this returns, the broker has it.
    ///
    /// - Throws: `bad_request` where the idempotency key belongs to another task; `body_too_large`; `overloaded` where
    ///   the broker is full; `no_target` where it cannot be reached.
    package func submit(_ submission: TaskSubmission) async throws -> SubmittedTask {
        var submission = submission
        let queue = queue(of: submission)
        submission.queue = queue
        if let webhook = submission.webhook { try await webhooks.check(webhook) }
        let id = submission.id ?? UUID().uuidString.lowercased()
        guard let key = submission.idempotencyKey else {
            do {
                return try await sendUnlessThere(submission, id, to: queue, confirming: nil)
            } catch let refusal as Unsent {
                throw refusal.cause
            }
        }
        switch try await claim(key, id, submission) {
        case .sent(let former): return SubmittedTask(id: former, queue: queue, isNew: false)
        case .mine(let id, let fingerprint):
            let note = Self.claim(id, fingerprint, isSent: true)
            do {
                return try await sendUnlessThere(submission, id, to: queue, confirming: (Self.idempotency(key), note))
            } catch let refusal as Unsent {
                // Whoever tries again begins anew.
                _ = try? await ask([command("DEL", Self.idempotency(key))])
                throw refusal.cause
            }
        }
    }

    /// The task was not sent, for sure. After any other error nobody knows: a reply that did not come may have been one
    /// of success. Keys are kept then, and whoever comes next looks whether the task is there.
    private struct Unsent: Error {
        var cause: any Error
    }

    /// Where a submission goes.
    func queue(of submission: TaskSubmission) -> String {
        let isRequest = submission.name == TaskSubmission.requestTask
        return submission.queue ?? (isRequest ? settings.requestQueue : settings.defaultQueue)
    }

    /// Sends a task, unless there is one that has its unique key.
    ///
    /// - Throws: `Unsent`, and other errors where that is not known.
    private func sendUnlessThere(
        _ submission: TaskSubmission, _ id: String, to queue: String, confirming: (key: String, note: String)?
    ) async throws -> SubmittedTask {
        guard let unique = submission.unique else {
            try await send(submission, id, to: queue, confirming: confirming)
            return SubmittedTask(id: id, queue: queue)
        }
        let other: String?
        do {
            other = try await claimUnique(unique, for: id, lifetime: lifetime(submission))
        } catch {
            throw Unsent(cause: error)
        }
        if let other {
            if let confirming { _ = try await ask([command("DEL", confirming.key)]) }
            return SubmittedTask(id: other, queue: queue, isNew: false)
        }
        do {
            try await send(submission, id, to: queue, confirming: confirming)
        } catch let refusal as Unsent {
            _ = try? await ask([command("DEL", Self.uniqueKey(unique))])
            throw refusal
        }
        return SubmittedTask(id: id, queue: queue)
    }

    /// For how long something is remembered of a task, in seconds.
    private func lifetime(_ submission: TaskSubmission) -> String {
        let now = Self.nowMilliseconds
        return "\(Int64(settings.resultExpires.inSeconds) + max(0, (submission.eta ?? now) - now) / 1000)"
    }

    /// - Parameter confirming: a key and what to write there with the task, both or none.
    private func send(
        _ submission: TaskSubmission, _ id: String, to queue: String, confirming: (key: String, note: String)?
    ) async throws {
        let now = Self.nowMilliseconds
        let bytes: ByteBuffer
        do {
            bytes = try message(of: submission, id, to: queue, now: now)
        } catch {
            throw Unsent(cause: error)
        }
        var commands = [
            Self.declaring(queue), command("LPUSH", QueueLists.key(queue, priority: submission.priority)) + [bytes],
            remembering(submission, id, queue, now),
        ]
        if let confirming {
            let seconds = "\(Int64(settings.idempotencyExpires.inSeconds))"
            commands.append(command("SETEX", confirming.key, seconds, confirming.note))
        }
        if let webhook = submission.webhook {
            commands.append(command("HSET", Self.webhookKey, id, WebhookTry(url: webhook, due: now).text))
        }
        try await push(commands)
        sent(submission, id, to: queue, now: now)
    }

    /// What lies on the queue.
    ///
    /// - Throws: `body_too_large`.
    func message(
        of submission: TaskSubmission, _ id: String, to queue: String, now: Int64
    ) throws(MartletError) -> ByteBuffer {
        var task = OutgoingTask(
            name: submission.name, id: id, args: RawJSON(.array(submission.arguments)),
            kwargs: RawJSON(.object(submission.keywordArguments)))
        guard task.args.bytes.count + task.kwargs.bytes.count <= settings.argumentBytes else {
            throw MartletError(.bodyTooLarge, cause: "a task has at most \(settings.argumentBytes) bytes of arguments")
        }
        task.queue = queue
        task.priority = submission.priority
        task.eta = submission.eta
        task.expires = submission.expires
        task.extraHeaders = Self.headers(of: submission)
        return ByteBuffer(bytes: task.message(deliveryTag: UUID().uuidString.lowercased(), now: now))
    }

    /// The command that makes a queue known.
    static func declaring(_ queue: String) -> [ByteBuffer] {
        command("SADD", QueueBinding.key(queue), QueueBinding.member(queue))
    }

    /// The command that notes what was handed in.
    func remembering(_ submission: TaskSubmission, _ id: String, _ queue: String, _ now: Int64) -> [ByteBuffer] {
        command("SETEX", Self.memo(id), lifetime(submission), memo(submission, queue, now).text)
    }

    /// The broker has it.
    func sent(_ submission: TaskSubmission, _ id: String, to queue: String, now: Int64) {
        queueLooks.withLock { looks in
            looks.submissions += 1
            looks.time = 0
            if !looks.declared.contains(queue) { looks.declaredTime = 0 }
        }
        var news = TaskNews(id: id, state: TaskState.pending, time: Double(now) / 1000)
        news.name = submission.name
        news.queue = queue
        news.arguments = JSONValue.array(submission.arguments).text
        news.keywordArguments = JSONValue.object(submission.keywordArguments).text
        news.eta = submission.eta.map { CeleryTime.text(milliseconds: $0) }
        note(news)
    }

    /// Carries out the commands of a task, of which the second is its push.
    private func push(_ commands: [[ByteBuffer]]) async throws {
        let answers = try await ask([command("MULTI")] + commands + [command("EXEC")])
        for case .error(let text) in answers { throw Unsent(cause: Self.refusal(text)) }
        let results = answers.last?.elements ?? []
        if results.count > 1, case .error(let text) = results[1] { throw Unsent(cause: Self.refusal(text)) }
        for case .error(let text) in results { throw Self.refusal(text) }
    }

    private static func headers(of submission: TaskSubmission) -> RawObject {
        var headers = submission.headers
        if let key = submission.key { headers[TaskSubmission.Header.key] = .string(key) }
        if let limit = submission.keyConcurrency {
            headers[TaskSubmission.Header.keyConcurrency] = .integer(Int64(limit))
        }
        if let unique = submission.unique { headers[TaskSubmission.Header.unique] = .string(unique) }
        if let number = submission.maxRetries { headers[TaskSubmission.Header.maxRetries] = .integer(Int64(number)) }
        return RawObject(headers.sorted { $0.key < $1.key }.map { ($0.key, RawJSON($0.value)) })
    }

    // MARK: What is known of a task before a worker says something

    /// The key of what was submitted here.
    static func memo(_ id: String) -> String { "martlet-task-\(id)" }

    private func memo(_ submission: TaskSubmission, _ queue: String, _ now: Int64) -> JSONValue {
        var memo: JSONValue = ["name": .string(submission.name), "queue": .string(queue), "sent": .integer(now)]
        if let eta = submission.eta { memo["eta"] = .integer(eta) }
        if submission.priority > 0 { memo["priority"] = .integer(Int64(submission.priority)) }
        return memo
    }

    // MARK: One task for each key

    private enum Claim {
        case mine(id: String, fingerprint: String)
        case sent(id: String)
    }

    private static func idempotency(_ key: String) -> String { "martlet-idempotency-\(key)" }
    /// Who takes a key over does so alone.
    private static func takeover(_ key: String) -> String { "martlet-takeover-\(key)" }

    private static func claim(_ id: String, _ fingerprint: String, isSent: Bool) -> String {
        let note: JSONValue = [
            "id": .string(id), "task": .string(fingerprint), "sent": .bool(isSent), "at": .integer(nowMilliseconds),
        ]
        return note.text
    }

    /// Takes the key, or waits for who has it. Who died with it before the task was sent gave the task its id: the next
    /// one sends it, if it is not there.
    private func claim(_ key: String, _ id: String, _ submission: TaskSubmission) async throws -> Claim {
        let (place, fingerprint) = (Self.idempotency(key), submission.fingerprint)
        let seconds = "\(Int64(settings.idempotencyExpires.inSeconds))"
        while true {
            let note = Self.claim(id, fingerprint, isSent: false)
            let answers = try await ask([
                command("SET", place, note, "NX", "EX", seconds), command("GET", place),
            ])
            if answers.first?.string == "OK" { return .mine(id: id, fingerprint: fingerprint) }
            for case .error(let text) in answers { throw Self.refusal(text) }
            // It has ended in between.
            guard let bytes = answers.last?.bytes else { continue }
            guard let former = JSONValue.parsed(bytes.readableBytesView), let formerID = former["id"]?.plainText else {
                throw MartletError(.badRequest, cause: "\(place) holds something that is no note of a task")
            }
            guard former["task"] == .string(fingerprint) else {
                throw MartletError(.badRequest, cause: "the idempotency key was used for another task, \(formerID)")
            }
            if former["sent"] == true { return .sent(id: formerID) }
            if (former["at"]?.int ?? 0) + Self.patience < Int(Self.nowMilliseconds),
                try await takesOver(key)
            {
                guard try await ask([command("EXISTS", Self.memo(formerID))]).first?.wholeNumber == 1 else {
                    return .mine(id: formerID, fingerprint: fingerprint)
                }
                let sent = Self.claim(formerID, fingerprint, isSent: true)
                _ = try await ask([command("SET", place, sent, "XX", "EX", seconds)])
                return .sent(id: formerID)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

extension TaskDesk {
    /// Whether this is the one who takes the key over.
    private func takesOver(_ key: String) async throws -> Bool {
        let words = command("SET", Self.takeover(key), "1", "NX", "PX", "\(Self.patience)")
        let answer = try await ask([words]).first ?? .null
        if case .error(let text) = answer { throw Self.refusal(text) }
        return answer.string == "OK"
    }
}

extension TaskSubmission {
    /// The same for submissions that mean the same task.
    fileprivate var fingerprint: String {
        let parts: [JSONValue] = [
            .string(name), .array(arguments), .object(keywordArguments), .optional(queue), .optional(priority),
            .optional(id), .optional(key), .optional(unique),
        ]
        return String(FNV1a.of(JSONValue.array(parts).text), radix: 16)
    }
}
