import MartletLogic
import MartletNet
import MartletWire
package import NIOCore

/// The end of messages that were taken. Each call says of each message whether its lease was still this client's;
/// otherwise nothing happened.
extension TaskBroker {
    /// How much one call of a script ends: the broker does nothing else meanwhile.
    private static let endedAtOnce = 128
    private static let endedBytes = 1 << 20

    /// Stores and announces the result, unless a success is stored already, and acknowledges the message, in one step.
    /// False: the lease was lost, and nothing was stored.
    package func finish(_ receipt: Receipt, storing result: StoredResult?) async throws -> Bool {
        try await finish([TaskFinish(receipt: receipt, storing: result)]).first ?? false
    }

    /// As `finish` of one, for many: what each of them publishes goes out in the same step, before its result.
    package func finish(_ batch: [TaskFinish]) async throws -> [Bool] {
        let queues = Set(batch.flatMap { $0.publishing.map(\.queue) })
        return try await end(batch, by: .finish, declaring: queues) { finish in
            8 + 2 * finish.publishing.count
        } bytes: { finish in
            finish.publishing.reduce(finish.storing?.json.readableBytes ?? 0) { $0 + $1.message.readableBytes }
        } write: { finish, pipeline in
            write(finish.receipt, into: &pipeline)
            pipeline.word(finish.storing.map { prefix + $0.key } ?? "")
            pipeline.word(finish.storing?.seconds ?? 0)
            pipeline.word(finish.storing?.json ?? ByteBuffer())
            pipeline.word(finish.freeing.map { prefix + $0.place } ?? "")
            pipeline.word(finish.freeing?.task ?? "")
            pipeline.word(Int64(finish.publishing.count))
            for message in finish.publishing {
                pipeline.word(prefix + message.key)
                pipeline.word(message.message)
            }
        }
    }

    /// Stores and announces states on the way. False: the lease was lost, or what is stored stays.
    @discardableResult
    package func tell(_ states: [StateNews]) async throws -> [Bool] {
        try await end(states, by: .tell) { _ in
            6
        } bytes: { state in
            state.result.json.readableBytes
        } write: { state, pipeline in
            if let receipt = state.receipt {
                write(receipt, into: &pipeline)
            } else {
                for _ in 0..<2 { pipeline.word("") }
            }
            pipeline.word(prefix + state.result.key)
            pipeline.word(state.result.seconds)
            pipeline.word(state.result.json)
            pipeline.word(state.keeping.map(\.rawValue).joined(separator: " "))
        }
    }

    /// Puts a message back, marked as delivered before.
    ///
    /// - Parameter atHead: it is served next; or else last, which counts as a delivery that failed.
    package func giveBack(_ receipt: Receipt, message: ByteBuffer, atHead: Bool) async throws -> Bool {
        try await giveBack([TaskReturn(receipt: receipt, message: message, atHead: atHead)]).first ?? false
    }

    /// As `giveBack` of one, for many. Of those that go to the head of one list, the last is served first.
    package func giveBack(_ batch: [TaskReturn]) async throws -> [Bool] {
        try await end(batch, by: .giveBack) { _ in
            4
        } bytes: { message in
            message.message.readableBytes
        } write: { message, pipeline in
            write(message.receipt, into: &pipeline)
            pipeline.word(message.atHead ? "RPUSH" : "LPUSH")
            pipeline.word(Self.redelivered(message.message))
        }
    }

    /// Puts a message aside, with the dead letters of its queue.
    package func bury(_ receipt: Receipt, message: ByteBuffer) async throws -> Bool {
        try await end([(receipt, message)], by: .bury) { _ in
            3
        } bytes: { buried in
            buried.1.readableBytes
        } write: { buried, pipeline in
            write(buried.0, into: &pipeline)
            pipeline.word(buried.1)
        }.first ?? false
    }

    /// Takes a message off the list on which it waits, and stores and announces the end of its task, unless a success
    /// is stored already, in one step. False: it was not there any more, and nothing was stored.
    ///
    /// - Parameters:
    ///   - key: The list's.
    ///   - result: nil: the end is stored elsewhere.
    package func withdraw(
        _ message: ByteBuffer, tag: String, from key: String, storing result: StoredResult?
    ) async throws -> Bool {
        try await end([message], by: .withdraw, lists: [prefix + key]) { _ in
            5
        } bytes: { message in
            message.readableBytes
        } write: { message, pipeline in
            pipeline.word(tag)
            pipeline.word(result.map { prefix + $0.key } ?? "")
            pipeline.word(result?.seconds ?? 0)
            pipeline.word(result?.json ?? ByteBuffer())
            pipeline.word(message)
        }.first ?? false
    }

    /// Has a script end messages, as many as go together at a time; all of it is sent at once.
    private func end<Item: Sendable>(
        _ batch: [Item], by script: OwnScript, lists: [String] = [], declaring queues: Set<String> = [],
        words: (Item) -> Int, bytes: (Item) -> Int, write: (Item, inout RedisPipeline) -> Void
    ) async throws -> [Bool] {
        var pipeline = RedisPipeline()
        declare(queues, in: &pipeline)
        let declarations = pipeline.count
        var calls: [(pipeline: RedisPipeline, count: Int)] = []
        var rest = batch[...]
        while !rest.isEmpty {
            var size = 0
            let together = rest.prefix(Self.endedAtOnce).prefix { item in
                defer { size += bytes(item) }
                return size < Self.endedBytes
            }
            rest = rest.dropFirst(together.count)
            var call = RedisPipeline()
            begin(script, lists: lists, arguments: together.reduce(0) { $0 + words($1) }, in: &call)
            for item in together { write(item, &call) }
            pipeline.append(call)
            calls.append((call, together.count))
        }
        let replies = try await run(pipeline)
        for case .error(let text) in replies.prefix(declarations) { throw RedisError(reply: text) }
        var verdicts: [Bool] = []
        verdicts.reserveCapacity(batch.count)
        for (call, reply) in zip(calls, replies.dropFirst(declarations)) {
            verdicts += try self.verdicts(in: try await understood(reply, to: call.pipeline), count: call.count)
        }
        return verdicts
    }

    /// The reply to a script, which is called once more when the server forgot it.
    private func understood(_ reply: RESPValue, to call: RedisPipeline) async throws -> RESPValue {
        guard case .error(let text) = reply else { return reply }
        let error = RedisError(reply: text)
        guard error.code == "NOSCRIPT" else { throw error }
        return try await lastOfScript(call)
    }

    private static func redelivered(_ message: ByteBuffer) -> ByteBuffer {
        let bytes = Array(message.readableBytesView)
        guard case .envelope(let envelope) = CeleryEnvelope.read(bytes) else { return message }
        return ByteBuffer(bytes: envelope.redelivered(bytes))
    }
}
