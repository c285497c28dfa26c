import Foundation
import MartletTools
import Testing

/// The kernel refuses what every connection needs (strace puts the error in): the gateway neither ends nor spins, and
/// serves again at once when the trouble is over.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ExhaustionTests {
    static let calls = ["accept4", "socket", "epoll_ctl"]
    static let errors = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]

    @Test(arguments: calls, errors) func theGatewayOutlives(call: String, error: String) async throws {
        try await withMartlet(mocks: 1, Self.configuration) { martlet, _ in
            let serving = try martlet.servingID
            let tracer = try await Tracer.start(serving, "\(call):error=\(error)")
            let (before, start) = (try martlet.cpuSeconds(), ContinuousClock.now)
            var failed = 0
            for _ in 0..<10 where !(await Self.isServed(martlet.publicPort)) { failed += 1 }
            let spent = try martlet.cpuSeconds() - before
            let elapsed = (ContinuousClock.now - start) / .seconds(1)
            tracer.stop()
            #expect(failed > 0, "the error was felt")
            #expect(spent < max(0.5 * elapsed, 0.3), "\(spent) s of CPU in \(elapsed) s")
            try await until("the gateway to serve again", within: .seconds(2)) {
                await Self.isServed(martlet.publicPort)
            }
            #expect(try martlet.servingID == serving, "the same process: none died and was replaced")
        }
    }

    /// No connection to the target is kept: each request needs a socket.
    private static func configuration(_ mocks: [MockServer]) -> String {
        "pools: {main: {keepalive: {connections: 0}, health: off, targets: \(mocks.targets("max_fails: 0"))}}"
            .replacing("\"", with: "")
    }

    /// Whether a request on a connection of its own is answered with 200, soon.
    private static func isServed(_ port: Int) async -> Bool {
        let answer = try? await Client.ask("GET", "/", port: port, within: .milliseconds(100))
        return answer?.status == 200
    }
}
