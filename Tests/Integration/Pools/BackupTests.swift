import MartletTools
import NIOPosix
import Testing

/// Backups, and the way back from one.
@Suite(.serialized, .timeLimit(.minutes(1))) struct BackupTests {
    /// The seed's file: two primaries and a backup.
    private static func seed(_ mocks: [MockServer]) -> String {
        """
        pools:
          chat:
            keepalive: {idle: 200ms}
            health: {interval: 5s, path: /health}
            targets:
              - {url: \(mocks[0].url), weight: 3, max_fails: 2, fail_timeout: 30s}
              - {url: \(mocks[1].url), weight: 3, max_fails: 2, fail_timeout: 30s}
              - {url: \(mocks[2].url), backup: true}
        """
    }

    @Test func BackupTakesOver() async throws {
        try await withMartlet(mocks: 3, Self.seed) { martlet, mocks in
            for _ in 0..<6 { #expect(try await martlet.get().status == 200) }
            #expect(mocks[2].stats.byPath["other"] == 0, "a backup gets nothing while the primaries serve")
            await mocks[0].stop()
            await mocks[1].stop()
            for _ in 0..<20 { #expect(try await martlet.post().status == 200) }
            #expect(mocks[2].stats.byPath["other"] == 20)
            let status = try await martlet.status()
            #expect(status.target(mocks[0].port)?.state != "up")
            #expect(status.target(mocks[1].port)?.state != "up")
            #expect(status.pool("chat")?.isPanicking == false)
        }
    }
}
