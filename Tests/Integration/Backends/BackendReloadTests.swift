import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Another command for a managed backend, under traffic.
@Suite(.serialized, .timeLimit(.minutes(1))) struct BackendReloadTests {
    /// Mocks whose command differs with the number of their tokens.
    private static func configuration(tokens: Int, _ keys: String = "instances: 1") throws -> String {
        try managed(
            mockCommand("--tokens, \"\(tokens)\", --interval, 10ms"), keys,
            pool: ["retry: {attempts: 3, budget: 100%}"])
    }

    @Test func NoRequestFailsAndNoStreamIsCutWhileTheOnlyProcessIsReplaced() async throws {
        try await withBackends(1, Self.configuration(tokens: 20)) { martlet in
            async let report = martlet.load { $0.duration = .seconds(3) }
            async let stream = martlet.chat(
                stream: true, headers: ["x-mock-tokens: 100", "x-mock-interval: 20ms"], within: .seconds(20))
            var most = 0
            for tokens in 21...23 {
                let former = try #require(try await martlet.backend().pid)
                try await martlet.reload(Self.configuration(tokens: tokens))
                try await until("the new process to serve", within: .seconds(20)) {
                    let backends = try await martlet.status().backends
                    most = max(most, backends.count { $0.pid != nil })
                    return backends.contains { $0.state == "ready" && $0.isOutgoing != true && $0.pid != former }
                }
            }
            let (seen, streamed) = (try await report, try await stream)
            #expect(seen.failed == 0, "\(seen.text)")
            #expect(seen.completed > 20)
            #expect(streamed.events.last == "[DONE]")
            #expect(streamed.events.filter { $0.contains("\"n\"") }.count == 100)
            #expect(most == 2)
            try await martlet.awaitBackends(1)
        }
    }

    @Test func ACommandThatNeverGetsReadyLeavesTheFormerProcessInService() async throws {
        let good = try managed(mockCommand())
        try await withBackends(1, good) { martlet in
            let former = try await martlet.backend()
            try await martlet.reload(managed(
                #"[sh, -c, "echo no such weights for {port}; exit 78"]"#, "restart: {backoff: 10ms, exits: 3}"))
            try await until("the new one to be given up") { try await martlet.backend().state == "broken" }
            #expect(try await martlet.backend().lastExit == "exited with code 78")
            #expect(try await martlet.status().backends.contains { $0.isOutgoing == true && $0.pid == former.pid })
            #expect(martlet.log().contains("the new backend does not get ready; the former one serves on"))
            #expect(martlet.log().contains("no such weights"))
            for _ in 0..<5 { try await martlet.chat().expect(200) }
            try await martlet.reload(good)
            try await martlet.awaitBackends(1)
            #expect(try await martlet.backend().pid == former.pid, "it was never ended")
        }
    }

    @Test func RequestsWaitWhileAFixedPortChangesHands() async throws {
        let port = try await Self.freePort()
        try await withBackends(1, Self.configuration(tokens: 5, "port: \(port)")) { martlet in
            async let report = martlet.load {
                $0.rate = 50
                $0.duration = .seconds(2)
            }
            let former = try await martlet.backend().pid
            try await martlet.reload(Self.configuration(tokens: 6, "port: \(port)"))
            try await until("the new process to serve", within: .seconds(20)) {
                let backends = try await martlet.status().backends
                return backends.count == 1 && backends[0].state == "ready" && backends[0].pid != former
            }
            let seen = try await report
            #expect(seen.failed == 0, "\(seen.text)")
            #expect(try await martlet.backend().port == port)
        }
    }

    /// One that a moment ago nobody had.
    private static func freePort() async throws -> Int {
        let mock = try await MockProcess.start()
        mock.kill()
        return mock.port
    }
}
