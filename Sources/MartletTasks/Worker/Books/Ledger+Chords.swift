import Logging
import MartletNet
import MartletWire
import NIOCore

/// The parts of chords: who brings the last one publishes the body.
///
/// Celery 5.7's way, on Celery's keys, so its workers count the same parts. Whoever has the claim and dies loses it
/// after seconds; the last part's message is not acknowledged before the body is published, so it is brought again.
extension Ledger {
    /// The claim of somebody who died ends within seconds; asking stops long after.
    private static let attempts = 60
    private static let pause = Duration.milliseconds(500)

    func add(_ due: DuePart) async throws {
        if due.unlessFailed, try await state(of: due.part.taskID).propagates { return }
        for attempt in 0..<Self.attempts {
            switch try await count(due) {
            case .done: return
            case .claimed: return try await complete(due)
            case .busy:
                // Somebody else is at it, or died while at it.
                guard attempt + 1 < Self.attempts else { break }
                try await Task.sleep(for: Self.pause)
            }
        }
        logger.warning("a chord's body is claimed by somebody who does not publish it", metadata: about(due))
    }

    private enum Turn {
        /// Nothing is to be done: parts are missing, or all is done.
        case done
        case claimed
        case busy
    }

    private func count(_ due: DuePart) async throws -> Turn {
        let arguments = due.part.partArguments(due.state, due.result, token: due.token, lifetimes)
        let reply = try await run(.part, due.part.partKeys, arguments.map { ByteBuffer(bytes: $0) })
        let numbers = reply.elements
        guard numbers.count == 4, let ready = numbers[0].counted, let claimed = numbers[3].counted else {
            throw RedisError(reply: "ERR a chord's script answered something else")
        }
        let progress = ChordPart.Progress(
            ready: ready, added: numbers[1].counted, size: numbers[2].counted, claimed: claimed)
        if progress.isOurs { return .claimed }
        guard !progress.isDone, let size = numbers[2].counted, ready == size + (numbers[1].counted ?? 0) else {
            return .done
        }
        // All are there. The claim may be ours from an attempt that was interrupted.
        let holder = try await results.accepted([command("GET", results.keyed(due.part.claimKeys[0]))]).first?.string
        return holder == due.token ? .claimed : .busy
    }

    private func complete(_ due: DuePart) async throws {
        do {
            let values = try await join(due.part)
            guard try await run(.extend, due.part.claimKeys, due.part.claimArguments(token: due.token, lifetimes))
                .counted == 1
            else {
                return logger.warning("a chord's body is not published: the claim was lost", metadata: about(due))
            }
            let steps = try Canvas.completing(
                chord: due.part.body, results: values, books.context(of: due.message))
            try await prepare(steps)
            try await broker.publish(books.messages(steps.tasks))
            _ = try await run(.cleanup, due.part.cleanupKeys, due.part.cleanupArguments(token: due.token, lifetimes))
        } catch let failure as TaskFailure {
            try await fail(due, failure)
        } catch let error as WireError {
            try await fail(due, .chord("Callback error: \(error.reason)"))
        }
    }

    /// The values of the header, in its shape.
    private func join(_ part: ChordPart) async throws -> [RawJSON] {
        let replies = try await results.accepted([
            command("GET", results.keyed(part.savedGroupKey)),
            command("ZRANGE", results.keyed(part.partsKey), "0", "-1"),
        ])
        if let saved = replies.first?.bytes, let tree = ResultTree(savedGroup: Array(buffer: saved)) {
            return try await join(tree)
        }
        return try ChordPart.results(replies.last?.elements.compactMap { $0.bytes.map { Array(buffer: $0) } } ?? [])
    }

    private func join(_ tree: ResultTree) async throws -> [RawJSON] {
        let ids = tree.taskIDs
        let replies = try await results.accepted(ids.map { command("GET", results.keyed(TaskResult.key($0))) })
        var values: [String: RawJSON] = [:]
        for (id, reply) in zip(ids, replies) {
            guard let result = reply.bytes.flatMap({ try? TaskResult(parsing: Array(buffer: $0)) }) else {
                throw TaskFailure.chord("Join error: the result of \(id) is not there")
            }
            if result.state.propagates {
                let failure = result.failure ?? TaskFailure("Exception", PythonRepr.text(result.result))
                throw TaskFailure.chord(dependency: id, raised: failure)
            }
            values[id] = result.result
        }
        return tree.value { values[$0] }?.elements ?? []
    }

    /// The body fails, with all that waits for it.
    private func fail(_ due: DuePart, _ failure: TaskFailure) async throws {
        logger.error("a chord failed", metadata: about(due).merging(["reason": "\(failure.text)"]) { $1 })
        let following = Canvas.failing(chord: due.part.body, books.context(of: due.message))
        for step in following.steps {
            if let result = step.result(failure, at: TaskBooks.now) {
                try await results.tell([StateNews(books.stored(result))])
            }
            if let part = step.chord {
                try await add(
                    DuePart(
                        part: part, state: .failure, result: failure.json, message: due.message, unlessFailed: false))
            }
        }
        try await prepare(following.errbacks)
        try await broker.publish(books.messages(following.errbacks.tasks))
        try await results.accepted([command("DEL", results.keyed(due.part.sizeKey))])
    }

    // MARK: Scripts

    private var lifetimes: ChordPart.Lifetimes {
        var lifetimes = ChordPart.Lifetimes()
        let seconds = Int(clamping: books.resultExpires.components.seconds)
        (lifetimes.parts, lifetimes.group) = (seconds, seconds)
        return lifetimes
    }

    func run(_ script: ChordScript, _ keys: [String], _ arguments: [String]) async throws -> RESPValue {
        try await run(script, keys, arguments.map { ByteBuffer(string: $0) })
    }

    private func run(_ script: ChordScript, _ keys: [String], _ arguments: [ByteBuffer]) async throws -> RESPValue {
        let keys = keys.map(results.keyed)
        let replies = try await results.run([script.command(keys: keys, arguments, withText: false)])
        if case .error(let text)? = replies.first, text.hasPrefix("NOSCRIPT") {
            return try await results.accepted([script.command(keys: keys, arguments, withText: true)]).first ?? .null
        }
        if case .error(let text)? = replies.first { throw RedisError(reply: text) }
        return replies.first ?? .null
    }

    private func about(_ due: DuePart) -> Logger.Metadata {
        ["group": "\(due.part.group)", "body": "\(due.part.body.task)", "task": "\(due.part.taskID)"]
    }
}

extension RESPValue {
    /// A whole number, however it is said.
    fileprivate var counted: Int? { wholeNumber ?? string.flatMap { Int($0) } }
}
