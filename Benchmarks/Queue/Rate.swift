import MartletTasks
import MartletWire
import NIOCore
import Synchronization

/// Sends tasks while a worker runs them: how many for each second are sent, and are done with their results stored.
struct Rate {
    private static let producers = 128

    private let stage: Stage
    private let count: Int
    private let batch: Int

    init(_ stage: Stage, count: Int, batch: Int) {
        self.stage = stage
        self.count = count
        self.batch = batch
    }

    func measure() async throws -> String {
        let stage = stage
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stage.worker.run() }
            let figures = try await round(warmUp: max(1, count / 10))
            await stage.worker.drain()
            try await group.waitForAll()
            return figures
        }
    }

    private func round(warmUp: Int) async throws -> String {
        try await send(warmUp)
        try await settle(warmUp)
        let start = ContinuousClock.now
        try await send(count)
        let sent = (ContinuousClock.now - start) / .seconds(1)
        try await settle(warmUp + count)
        let done = (ContinuousClock.now - start) / .seconds(1)
        return "{\"count\":\(count),\"batch\":\(batch),\"sent_per_second\":\(Int(Double(count) / sent)),"
            + "\"done_per_second\":\(Int(Double(count) / done))}"
    }

    private func send(_ count: Int) async throws {
        let (stage, batch) = (stage, batch)
        let next = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.producers {
                group.addTask {
                    while true {
                        let first = next.take(batch)
                        guard first < count else { return }
                        let messages = (first..<min(first + batch, count)).map { Stage.message($0).message }
                        try await stage.producer.publish(messages)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Until all have run and are acknowledged, with their results.
    private func settle(_ ran: Int) async throws {
        while stage.executor.count < ran { try await Task.sleep(for: .milliseconds(2)) }
        let left: [[ByteBuffer]] = [
            [ByteBuffer(string: "LLEN"), ByteBuffer(string: Stage.queue)],
            [ByteBuffer(string: "HLEN"), ByteBuffer(string: "unacked")],
        ]
        while try await stage.producer.run(left) != [.integer(0), .integer(0)] {
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private final class Counter: Sendable {
        private let value = Atomic<Int>(0)

        func take(_ count: Int) -> Int { value.add(count, ordering: .relaxed).oldValue }
    }
}
