import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore

extension TaskBroker {
    /// Takes up to `count` messages from lists, in the order of the lists, without waiting. None: there is nothing.
    ///
    /// They are this client's until they are finished, given back or buried. On a Redis server they have to be renewed,
    /// and somebody has to `restore` those of clients that died.
    package func take(_ lists: [QueueList], count: Int) async throws -> [Delivery] {
        guard count > 0, !lists.isEmpty else { return [] }
        var pipeline = RedisPipeline()
        declare(Set(lists.map(\.queue)), in: &pipeline)
        begin(.take, lists: lists.map { prefix + $0.key }, arguments: 1, in: &pipeline)
        pipeline.word(Int64(count))
        return try deliveries(in: try await lastOfScript(pipeline), of: lists)
    }

    /// Returns when one of the lists may have something. Other clients may have taken it by then. Ends at once when the
    /// task is cancelled; throws when the broker cannot be asked.
    package func wait(for lists: [QueueList]) async throws {
        try await watcher.wait(for: lists.map { prefix + $0.key })
    }

    /// Says that messages are being worked on. Those that are lost: somebody else may have them.
    package func renew(_ receipts: [Receipt]) async throws -> [Receipt] {
        guard !receipts.isEmpty else { return [] }
        var pipeline = RedisPipeline()
        begin(.renew, arguments: 2 * receipts.count, in: &pipeline)
        for receipt in receipts { write(receipt, into: &pipeline) }
        let answers = try verdicts(in: try await lastOfScript(pipeline), count: receipts.count)
        return zip(receipts, answers).filter { !$0.1 }.map(\.0)
    }

    /// Puts back messages of workers that are gone: those whose lease nobody renewed, and, on a Redis server, those
    /// that workers of Celery's took longer ago than `visibility`. How many. Every worker should ask now and then.
    package func restore(
        lease: Duration, visibility: Duration = .seconds(3600), atMost limit: Int = 1000
    ) async throws -> Int {
        var pipeline = RedisPipeline()
        begin(.restore, arguments: 3, in: &pipeline)
        pipeline.word(max(1, lease.components.seconds))
        pipeline.word(max(1, visibility.components.seconds))
        pipeline.word(Int64(limit))
        guard case .integer(let count) = try await lastOfScript(pipeline) else { throw strange }
        return Int(count)
    }

    /// A message's tag and lease, two words of a script.
    func write(_ receipt: Receipt, into pipeline: inout RedisPipeline) {
        pipeline.word(receipt.tag)
        pipeline.word(LeaseText.of(receipt.lease, list: prefix + receipt.key))
    }

    private func deliveries(in reply: RESPValue, of lists: [QueueList]) throws -> [Delivery] {
        guard case .array(let values) = reply else { throw strange }
        guard case .integer(let lease)? = values.first else {
            if values.isEmpty { return [] }
            throw strange
        }
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(values.count / 4)
        for start in stride(from: 1, to: values.count, by: 4) {
            guard start + 3 < values.count, case .integer(let place) = values[start],
                case .bulk(let tag) = values[start + 1], case .integer(let count) = values[start + 2],
                case .bulk(let message) = values[start + 3], 1...lists.count ~= Int(place)
            else { throw strange }
            let list = lists[Int(place) - 1]
            deliveries.append(
                Delivery(
                    receipt: Receipt(tag: String(buffer: tag), lease: lease, queue: list.queue, key: list.key),
                    // A copy: the slice would keep all that came with it as long as the message is worked on.
                    message: ByteBuffer(bytes: message.readableBytesView), deliveries: Int(count)))
        }
        return deliveries
    }

    /// What a script answered for each message. Where it could not do its work, that is logged, and the answer is no:
    /// the message is not ended, and comes back when its lease does.
    func verdicts(in reply: RESPValue, count: Int) throws -> [Bool] {
        guard case .array(let values) = reply, values.count == count else { throw strange }
        return values.map { value in
            if case .error(let text) = value {
                logger.error("the broker did not end a message", metadata: ["error": "\(text)"])
            }
            return value == .integer(1)
        }
    }

    var strange: MartletError {
        MartletError(.upstreamMalformed, operation: "\(url)", cause: "a script answered something else")
    }
}
