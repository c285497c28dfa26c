import MartletTools
import Testing

/// Backups, the way back from one, and what happens when nobody is left.
@Suite(.serialized, .timeLimit(.minutes(1))) struct BackupTests {
    /// The seed's file: two primaries and a backup.
    private static func seed(_ mocks: [MockServer]) -> String {
        onePool(
            [
                mocks[0].target("weight: 3, max_fails: 2, fail_timeout: 30s"),
                mocks[1].target("weight: 3, max_fails: 2, fail_timeout: 30s"),
                mocks[2].target("backup: true"),
            ],
            "health: {path: /health}")
    }

    @Test func BackupTakesOver() async throws {
        try await withMartlet(mocks: 3, Self.seed) { martlet, mocks in
            for _ in 0..<6 { try await martlet.get().expect(200) }
            #expect(mocks[2].echoes == 0, "a backup gets nothing while the primaries serve")
            await mocks[0].stop()
            await mocks[1].stop()
            for _ in 0..<20 { try await martlet.post().expect(200) }
            #expect(mocks[2].echoes == 20)
            let status = try await martlet.status()
            #expect(status.target(mocks[0].port)?.state == "down")
            #expect(status.target(mocks[1].port)?.state == "down")
            #expect(status.pool("main")?.isPanicking == false)
        }
    }

    @Test func RecoveredBackendServesWithin2Seconds() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(
                [mocks[0].target("max_fails: 1, fail_timeout: 30s"), mocks[1].target("backup: true")],
                "health: {interval: 60s}")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            try await martlet.get().expect(200)
            await mocks[0].stop()
            for _ in 0..<3 { try await martlet.get().expect(200) }
            #expect(try await martlet.status().target(mocks[0].port)?.state == "down")
            let again = try await MockServer.restart(at: mocks[0].port)
            try await until("the primary to serve again", within: .seconds(2)) {
                try await martlet.get().expect(200)
                return again.echoes > 0
            }
            await again.stop()
        }
    }

    @Test func RecoveredBackendStartsSlowly() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(
                [mocks[0].target("fail_timeout: 30s, slow_start: 30s"), mocks[1].target()], "health: {interval: 1s}",
                "balance: round_robin")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            await mocks[0].stop()
            for _ in 0..<2 { try await martlet.get().expect(200) }
            let again = try await MockServer.restart(at: mocks[0].port)
            try await until("the target to come back") {
                try await martlet.status().target(again.port)?.state == "slow_start"
            }
            for _ in 0..<44 { try await martlet.get().expect(200) }
            // A tenth of its weight, rising by 3 % a second.
            #expect((1...12).contains(again.echoes), "\(again.echoes) of 44")
            await again.stop()
        }
    }

    @Test func PoolWhoseEveryTargetFailsIsStillTried() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets("max_fails: 1, fail_timeout: 30s"), "retry: {on: \"off\"}")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            for mock in mocks { mock.behaviour.fault = .status(500, retryAfter: nil) }
            for _ in 0..<8 {
                let answer = try await martlet.get()
                answer.expect(500, "mock_fault")
            }
            #expect(try await martlet.status().pool("main")?.isPanicking == true)
            for mock in mocks { mock.behaviour.fault = .none }
            for _ in 0..<4 { try await martlet.get().expect(200) }
        }
    }

    @Test func NoMoreThanHalfIsEjectedWithoutBackup() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets("max_fails: 1, fail_timeout: 30s"), "retry: {on: \"off\"}", "balance: round_robin")
        }
        try await withMartlet(mocks: 4, configuration) { martlet, mocks in
            for mock in mocks.prefix(3) { mock.behaviour.fault = .status(500, retryAfter: nil) }
            for _ in 0..<16 { _ = try await martlet.get() }
            #expect(mocks[3].echoes < 16 - 3, "three of four are bad: they are tried, or the fourth takes all")
            #expect(try await martlet.status().pool("main")?.isPanicking == true)
        }
    }
}
