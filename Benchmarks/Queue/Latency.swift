import MartletTasks
import NIOCore
import Synchronization

/// One task after the other on an idle queue: microseconds from before it is sent until it runs, and until its sender
/// heard its result.
struct Latency {
    private static let prefix = "celery-task-meta-"

    private let stage: Stage
    private let count: Int

    init(_ stage: Stage, count: Int) {
        self.stage = stage
        self.count = count
    }

    func measure() async throws -> String {
        let stage = stage
        stage.executor.beginNotes()
        let (results, heard) = AsyncStream<(channel: String, at: ContinuousClock.Instant)>.makeStream()
        let (listening, ready) = AsyncStream<Void>.makeStream()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stage.worker.run() }
            group.addTask {
                try await stage.producer.subscribe(
                    channels: [], patterns: [Self.prefix + "*"], ready: { ready.yield() }
                ) { channel, _ in heard.yield((channel, .now)) }
            }
            for await _ in listening { break }
            var iterator = results.makeAsyncIterator()
            var starts: [Double] = []
            var ends: [Double] = []
            for number in 0..<(count + count / 10) {
                let (id, message) = Stage.message(number)
                let began = ContinuousClock.now
                try await stage.producer.publish([message])
                var end = await iterator.next()
                while let one = end, one.channel != Self.prefix + id { end = await iterator.next() }
                guard let end, let start = stage.executor.takeStart(of: id), number >= count / 10 else { continue }
                starts.append((start - began) / .microseconds(1))
                ends.append((end.at - began) / .microseconds(1))
            }
            group.cancelAll()
            return "{\"count\":\(starts.count),\"start_us\":\(Self.quantiles(starts)),"
                + "\"result_us\":\(Self.quantiles(ends))}"
        }
    }

    private static func quantiles(_ values: [Double]) -> String {
        let sorted = values.sorted()
        let found = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)].map { name, part in
            let value = sorted[min(Int(Double(sorted.count) * part), sorted.count - 1)]
            return "\"\(name)\":\(Int(value))"
        }
        return "{\(found.joined(separator: ","))}"
    }
}
