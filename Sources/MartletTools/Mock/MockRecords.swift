import NIOCore
import Synchronization

/// Where a request that carries `x-mock-id` stands.
package enum MockRequestState: String, Sendable {
    /// Taken; no byte of its answer has been sent.
    case waiting
    /// The answer has begun.
    case streaming
    /// The whole answer was sent.
    case completed
    /// The client left before the end.
    case cancelled
    /// A fault ended it.
    case failed

    fileprivate func satisfies(_ wanted: MockRequestState) -> Bool {
        switch wanted {
        case .waiting: true
        case .streaming: self != .waiting
        default: self == wanted
        }
    }
}

/// What is known of one request that carried `x-mock-id`. Times are microseconds of `CLOCK_MONOTONIC`.
package struct MockRequestRecord: Sendable, Equatable {
    package var id: String
    package var state = MockRequestState.waiting
    /// How often a request with this id arrived; the rest is about the latest.
    package var attempts = 1
    /// How often work on it was begun: with slots, one that left the line has cost nothing.
    package var executions = 0
    /// How its arrivals ended, in all.
    package var completed = 0
    package var cancelled = 0
    package var failed = 0
    /// Events sent.
    package var tokens = 0
    /// Events sent to all its arrivals.
    package var totalTokens = 0
    package var receivedMicroseconds: UInt64
    /// The first byte of its answer.
    package var beganMicroseconds: UInt64?
    package var endedMicroseconds: UInt64?

    /// It arrived again.
    fileprivate mutating func again(microseconds: UInt64) {
        attempts += 1
        state = .waiting
        tokens = 0
        receivedMicroseconds = microseconds
        beganMicroseconds = nil
        endedMicroseconds = nil
    }

    var json: JSONObject {
        var object = JSONObject()
        object.set("id", id)
        object.set("state", state.rawValue)
        object.set("attempts", attempts)
        object.set("executions", executions)
        object.set("completed", completed)
        object.set("cancelled", cancelled)
        object.set("failed", failed)
        object.set("tokens", tokens)
        object.set("total_tokens", totalTokens)
        object.set("received_us", receivedMicroseconds)
        if let beganMicroseconds { object.set("began_us", beganMicroseconds) }
        if let endedMicroseconds { object.set("ended_us", endedMicroseconds) }
        return object
    }
}

/// Requests by their `x-mock-id`, and those who wait for one to reach a state.
final class MockRecords: Sendable {
    private struct Waiter {
        let number: Int
        let state: MockRequestState
        let promise: EventLoopPromise<MockRequestRecord?>
    }

    private struct Book {
        var records: [String: MockRequestRecord] = [:]
        /// In order of arrival, so that the oldest is forgotten first.
        var order: [String] = []
        var waiters: [String: [Waiter]] = [:]
        var lastNumber = 0
    }

    private static let limit = 65_536

    private let book = Mutex(Book())

    subscript(id: String) -> MockRequestRecord? {
        book.withLock { $0.records[id] }
    }

    func received(_ id: String, microseconds: UInt64) {
        change(id) { book in
            if var record = book.records[id] {
                record.again(microseconds: microseconds)
                return record
            }
            book.order.append(id)
            if book.order.count >= 2 * Self.limit {
                for forgotten in book.order.prefix(Self.limit) { book.records[forgotten] = nil }
                book.order.removeFirst(Self.limit)
            }
            return MockRequestRecord(id: id, receivedMicroseconds: microseconds)
        }
    }

    func executed(_ id: String) {
        update(id) { $0.executions += 1 }
    }

    func began(_ id: String, microseconds: UInt64) {
        update(id) { record in
            record.state = .streaming
            record.beganMicroseconds = microseconds
        }
    }

    func ended(_ id: String, _ state: MockRequestState, tokens: Int, microseconds: UInt64) {
        update(id) { record in
            record.state = state
            record.tokens = tokens
            record.totalTokens += tokens
            record.endedMicroseconds = microseconds
            switch state {
            case .completed: record.completed += 1
            case .cancelled: record.cancelled += 1
            case .failed: record.failed += 1
            case .waiting, .streaming: break
            }
        }
    }

    /// In order of arrival.
    var all: [MockRequestRecord] {
        book.withLock { book in book.order.compactMap { book.records[$0] } }
    }

    private func update(_ id: String, _ body: (inout MockRequestRecord) -> Void) {
        change(id) { book in
            guard var record = book.records[id] else { return nil }
            body(&record)
            return record
        }
    }

    private func change(_ id: String, _ next: (inout Book) -> MockRequestRecord?) {
        let (record, met) = book.withLock { book -> (MockRequestRecord?, [Waiter]) in
            guard let record = next(&book) else { return (nil, []) }
            book.records[id] = record
            guard var waiters = book.waiters.removeValue(forKey: id) else { return (record, []) }
            let met = waiters.filter { record.state.satisfies($0.state) }
            waiters.removeAll { record.state.satisfies($0.state) }
            if !waiters.isEmpty { book.waiters[id] = waiters }
            return (record, met)
        }
        for waiter in met { waiter.promise.succeed(record) }
    }

    /// The record once the request has reached `state`; nil when `timeout` passes first.
    func wait(
        for id: String, state: MockRequestState, timeout: TimeAmount, on loop: any EventLoop
    ) -> EventLoopFuture<MockRequestRecord?> {
        let promise = loop.makePromise(of: MockRequestRecord?.self)
        let number = book.withLock { book -> Int? in
            if let record = book.records[id], record.state.satisfies(state) {
                promise.succeed(record)
                return nil
            }
            book.lastNumber += 1
            book.waiters[id, default: []].append(Waiter(number: book.lastNumber, state: state, promise: promise))
            return book.lastNumber
        }
        guard let number else { return promise.futureResult }
        let timer = loop.scheduleTask(in: timeout) { self.giveUp(id, number) }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    /// Lets every waiter go: the server stops.
    func close() {
        let waiters = book.withLock { book in
            defer { book.waiters = [:] }
            return book.waiters.values.flatMap { $0 }
        }
        for waiter in waiters { waiter.promise.succeed(nil) }
    }

    private func giveUp(_ id: String, _ number: Int) {
        let waiter = book.withLock { book -> Waiter? in
            guard let index = book.waiters[id]?.firstIndex(where: { $0.number == number }) else { return nil }
            return book.waiters[id]?.remove(at: index)
        }
        waiter?.promise.succeed(nil)
    }
}
