import Foundation
import InMemoryLogging
import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import MartletWorkers
import NIOCore
import NIOPosix

/// A ``BackendService`` of small Python servers, with everything it says kept for the test.
final class TestBackends: Sendable {
    let service: BackendService
    let logs = InMemoryLogHandler()
    /// When an instance came and went, in order; for one reader.
    let events: AsyncStream<BackendEvent>

    init(_ specs: BackendSpec...) {
        let (events, announced) = AsyncStream<BackendEvent>.makeStream()
        self.events = events
        let logs = logs
        let start = ContinuousClock.now
        service = BackendService(
            specs,
            on: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "backends") { _ in logs },
            now: { Instant(nanoseconds: UInt64(clamping: (ContinuousClock.now - start).wholeNanoseconds)) },
            probe: Self.isReady,
            announce: { event in
                if case .hopeful = event { return }
                announced.yield(event)
            })
    }

    /// Runs the service for as long as `body` runs, then stops it and waits for its end.
    func run<Result: Sendable>(_ body: () async throws -> Result) async rethrows -> Result {
        async let end: Void = service.run()
        let result = try await body()
        service.stop()
        await end
        return result
    }

    /// What runs instead from now on; whoever is let go holds no requests.
    func apply(_ specs: BackendSpec...) {
        service.apply(specs) { _ in }
    }

    func status(_ instance: Int = 0) -> BackendStatus {
        service.status()[instance]
    }

    /// The log lines with this message, as their metadata without `backend`.
    func logged(_ message: String) -> [[String: String]] {
        logs.entries.filter { "\($0.message)" == message }.map { entry in
            entry.metadata.filter { $0.key != "backend" }.mapValues { "\($0)" }
        }
    }

    /// Martlet's own client, as in the product. (Foundation's can deadlock when its task is cancelled.)
    private static let client = HTTPClient(group: MultiThreadedEventLoopGroup.singleton, resolver: NameResolver())

    static func isReady(_ host: String, _ port: Int, _ path: String, _ timeout: Duration) async -> Bool {
        let url = HTTPURL(origin: Origin(host: host, port: port), path: path)
        return (try? await client.request(.get, url, timeout: timeout))?.status == 200
    }

    /// A server that answers 200 at any path; `setUp` is Python that runs first.
    static func spec(_ name: String = "demo", setUp: String = "pass") -> BackendSpec {
        let program = """
            import http.server, os, signal, sys, time
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()
                def log_message(self, *_): pass
            \(setUp)
            http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
            """
        var spec = BackendSpec(name: name, command: ["python3", "-u", "-c", program, "{port}"])
        spec.checkTimeout = .seconds(1)
        spec.policy.startingInterval = .milliseconds(20)
        spec.policy.checkInterval = .milliseconds(50)
        spec.policy.hungAfter = 2
        spec.policy.backoffFirst = .milliseconds(10)
        spec.policy.stopGrace = .seconds(10)
        return spec
    }
}
