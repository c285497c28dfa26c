import Glibc
import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWorkers
import NIOCore
import NIOPosix

/// What a request to a worker costs without HTTP: one real worker, started and supervised as the server does it, and
/// one item after the other. Prints quantiles in microseconds as JSON; `Benchmarks/serving/roundtrip.py` runs it.
///
/// The worker's SDK must be in the `PYTHONPATH`. Whoever runs it limits its time: a worker that never gets ready is
/// started again and again.
@main struct LinkBench {
    private let python: String
    private let app: String
    private let count: Int

    static func main() async {
        let words = CommandLine.arguments
        guard words.count == 4, let count = Int(words[3]), count > 0 else {
            print("usage: link-bench PYTHON APP COUNT")
            exit(64)
        }
        var logger = Logger(label: "link-bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        do {
            let times = try await LinkBench(python: words[1], app: words[2], count: count).measure(logger)
            print(Self.json(times))
        } catch {
            logger.error("no figures", metadata: ["error": "\(error)"])
            exit(1)
        }
    }

    /// Microseconds of each item, after as many as warm up.
    private func measure(_ logger: Logger) async throws -> [Double] {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = loops.next()
        let group = WorkerGroup(
            WorkerAPI(path: "/predict"), policy: BatchPolicy(), answerWithin: .seconds(10), clock: loop)
        let (events, announced) = AsyncStream<BackendEvent>.makeStream()
        let service = BackendService([], on: loop, logger: logger, now: { .current }) { _, _, _, _ in
            false
        } announce: { event in
            announced.yield(event)
        }
        let spec = BackendSpec(name: "worker", command: [python, "-m", "martlet.worker", app])
        let role = WorkerRole(app: app, devices: ["cpu"], workersPerDevice: 1, group: group, loops: loops)
        service.apply([], workers: [ManagedProcess(spec, worker: role)]) { _ in }
        async let end: Void = service.run()
        for await event in events {
            if case .ready = event { break }
        }
        let count = count
        let times = try await loop.flatSubmit { Rounds(group, on: loop, warmUp: count / 10, count: count).run() }.get()
        service.stop()
        await end
        try await loops.shutdownGracefully()
        return times
    }

    private static func json(_ times: [Double]) -> String {
        let sorted = times.sorted()
        func rounded(_ time: Double) -> Double { (time * 10).rounded() / 10 }
        func quantile(_ part: Double) -> Double {
            rounded(sorted[min(Int(Double(sorted.count) * part), sorted.count - 1)])
        }
        let mean = rounded(sorted.reduce(0, +) / Double(sorted.count))
        let quantiles = [("p50_us", 0.5), ("p90_us", 0.9), ("p99_us", 0.99)].map { "\"\($0)\":\(quantile($1))" }
        return "{\"count\":\(sorted.count),\(quantiles.joined(separator: ",")),\"mean_us\":\(mean)}"
    }
}
