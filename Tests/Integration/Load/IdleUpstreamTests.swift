import Foundation
import MartletTools
import Testing

/// Idle connections to one target never keep a request from another, whichever event loop holds them.
@Suite(.serialized, .timeLimit(.minutes(1))) struct IdleUpstreamTests {
    @Test func IdleConnectionsMakeRoomForWorkElsewhere() async throws {
        try await withMocks(2) { mocks in
            let pools = mocks.enumerated().map { number, mock in
                """
                  p\(number): {health: off, keepalive: {idle: 60s}, targets: [\(mock.target())]}
                """
            }
            let configuration = """
                pools:
                \(pools.joined(separator: "\n"))
                routes:
                  - {path: /a, pool: p0}
                  - {path: /b, pool: p1}
                """
            let martlet = try await MartletProcess.start(
                configuration, under: ["/usr/bin/prlimit", "--nofile=256:256"])
            do {
                // 70 of 85 places stay with idle connections; 60 are needed at the same time.
                #expect(await Self.atOnce(70, "/a", martlet) == Array(repeating: 200, count: 70))
                try await until("connections to be idle") { try await martlet.status().connections.upstreamIdle > 50 }
                #expect(await Self.atOnce(60, "/b", martlet) == Array(repeating: 200, count: 60))
                #expect(await Self.atOnce(60, "/a", martlet) == Array(repeating: 200, count: 60))
                #expect(try await martlet.status().process.openFiles < 256)
            } catch {
                await martlet.stop()
                throw error
            }
            await martlet.stop()
        }
    }

    private static func atOnce(_ count: Int, _ path: String, _ martlet: MartletProcess) async -> [Int] {
        await withTaskGroup(of: Int.self) { clients in
            for _ in 0..<count {
                clients.addTask {
                    (try? await martlet.ask("GET", path, headers: ["x-mock-latency: 500ms"]).status) ?? 0
                }
            }
            return await clients.reduce(into: []) { $0.append($1) }
        }
    }
}
