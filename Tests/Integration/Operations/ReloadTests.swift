import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Another configuration under traffic: what stays goes on as if nothing had happened, and a wrong one changes nothing.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ReloadTests {
    @Test func StreamsCountsAndHealthLiveOnWhileTargetsComeAndGo() async throws {
        try await withMartlet(mocks: 3, { Self.pool($0[0], $0[1]) }) { martlet, mocks in
            for _ in 0..<4 { try await martlet.get().expect(200) }
            async let stream = martlet.chat(
                stream: true, headers: ["x-mock-tokens: 30", "x-mock-interval: 50ms", "x-mock-id: long"])
            let busy = try await Self.streaming(mocks)
            let stays = mocks[0]
            let before = try #require(try await martlet.status().target(stays.port)?.picks)

            // The second one leaves, the third one comes.
            try await martlet.reload(Self.pool(stays, mocks[2]))
            let status = try await martlet.status()
            #expect(status.target(stays.port)?.picks == before)
            #expect(status.target(mocks[1].port) == nil || busy === mocks[1], "it is gone, but for its last request")
            for _ in 0..<6 { try await martlet.get().expect(200) }
            #expect(mocks[2].echoes > 0)
            let second = mocks[1].echoes
            let answer = try await stream.expect(200)
            #expect(answer.events.filter { $0.contains("\"n\"") }.count == 30)
            #expect(answer.events.last == "[DONE]")
            #expect(mocks[1].echoes == second)
        }
    }

    @Test func ATargetThatIsOutStaysOutUntilItIsBack() async throws {
        try await withMartlet(mocks: 2, { Self.pool($0[0], $0[1]) }) { martlet, mocks in
            mocks[0].behaviour.health = 500
            try await until("the check to fail") { try await martlet.status().target(mocks[0].port)?.state == "down" }
            try await martlet.reload(Self.pool(mocks[0], mocks[1], "balance: round_robin, "))
            #expect(try await martlet.status().target(mocks[0].port)?.state == "down")
            for _ in 0..<4 { try await martlet.get().expect(200) }
            #expect(mocks[0].echoes == 0)
            mocks[0].behaviour.health = 200
            try await until("the target to be back") { try await martlet.status().target(mocks[0].port)?.state == "up" }
        }
    }

    @Test func RulesOfPoolsRoutesTargetsAndConnectionsChange() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, mocks in
            try await martlet.post(body: String(repeating: "x", count: 100)).expect(200)
            try await martlet.reload("""
                limits: {body: 50}
                pools:
                  main:
                    health: {path: /health}
                    keepalive: {idle: 200ms}
                    targets: [{url: "\(mocks[0].url)", headers: {set: {x-new: "yes"}}}]
                routes: [{path: /only, pool: main}]
                """)
            try await martlet.ask("POST", "/only", body: String(repeating: "x", count: 100)).expect(413)
            try await martlet.get("/x").expect(404)
            let echo = try await martlet.get("/only").expect(200)
            #expect(echo.body.contains("x-new"), "not over a connection of the former rules: \(echo.body)")
        }
    }

    @Test func AReloadThatChangesNothingAboutATargetKeepsItsConnections() async throws {
        func configuration(_ mock: MockServer, _ keys: String = "", idle: String = "60s") -> String {
            "threads: 1\npools:\n  main: {health: \"off\", keepalive: {idle: \(idle)}, "
                + "targets: [{url: \"\(mock.url)\"\(keys)}]}"
        }
        try await withMartlet(mocks: 1, { configuration($0[0]) }) { martlet, mocks in
            try await martlet.get().expect(200)
            for keys in ["", ", weight: 2", ", max_fails: 5", ", headers: {set: {x-a: b}}"] {
                try await martlet.reload(configuration(mocks[0], keys))
                try await martlet.get().expect(200)
            }
            // The rules of the moment hold for the connection as well.
            try await martlet.reload(configuration(mocks[0], idle: "200ms"))
            try await martlet.get().expect(200)
            #expect(mocks[0].stats.connections == 1)
            try await until("the connection to be closed") {
                try await martlet.status().connections.upstreamIdle == 0
            }
        }
    }

    @Test func ATargetThatWasDrainedByHandStaysSo() async throws {
        func configuration(_ mocks: [MockServer], _ version: String) -> String {
            onePool([mocks[0].target("version: \(version)"), mocks[1].target()])
        }
        try await withMartlet(mocks: 2, { configuration($0, "v1") }) { martlet, mocks in
            try await martlet.changeTarget("drain", pool: "main", url: mocks[0].url).expect(200)
            try await martlet.reload(configuration(mocks, "v2"))
            #expect(try await martlet.status().target(mocks[0].port)?.state == "draining")
            for _ in 0..<4 { try await martlet.get().expect(200) }
            #expect(mocks[0].echoes == 0)
        }
    }

    @Test func WhoWaitsInAPoolThatIsRemovedIsToldAtOnce() async throws {
        func configuration(_ name: String, _ mocks: [MockServer]) -> String {
            "pools:\n  \(name): {health: \"off\", targets: [\(mocks[0].target("max_inflight: 1"))]}\n"
                + "routes: [{path: /, pool: \(name)}]"
        }
        try await withMartlet(mocks: 1, { configuration("former", $0) }) { martlet, mocks in
            let holder = try await martlet.connect()
            try await holder.send(Client.request("GET", "/hold", headers: ["x-mock-fault: hang"]))
            try await until("the place to be taken") { try await martlet.status().pool("former")?.inFlight == 1 }
            let waiter = try await martlet.connect()
            try await waiter.send(Client.request("GET", "/wait"))
            try await until("the other to wait") { try await martlet.status().pool("former")?.queuedCount == 1 }
            try await martlet.reload(configuration("present", mocks))
            let (answer, time) = try await timed { try await waiter.answer() }
            answer.expect(503, "pool_removed")
            #expect(answer.header("retry-after").flatMap { Int($0) } ?? 0 >= 1)
            #expect(answer.header("x-should-retry") == nil)
            #expect(time < .seconds(5), "not when the 30 seconds of the queue are over: \(time)")
            try await waiter.send(Client.request("GET", "/again"))
            try await waiter.answer().expect(200)
            for client in [holder, waiter] { await client.close() }
        }
    }

    @Test func AWrongFileChangesNothingAndSaysWhy() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, _ in
            let wrong = try await martlet.tryReload("pools: {main: {targets: [nonsense]}}")
            #expect(wrong.status == 400)
            #expect(wrong.body.contains("pools.main.targets[0]"))
            let missing = try await martlet.tryReload("""
                listen: [{address: "127.0.0.1:0", tls: {certificate: /nowhere.pem, key: /nowhere.key}}]
                pools: {main: {targets: ["http://127.0.0.1:9"]}}
                """)
            #expect(missing.body.contains("/nowhere.pem"))
            // Its own console's address is taken.
            let taken = try await martlet.tryReload("""
                listen: ["127.0.0.1:0", "127.0.0.1:\(martlet.consolePort)"]
                pools: {main: {targets: ["http://127.0.0.1:9"]}}
                """)
            #expect(taken.body.contains("is in use"))
            for _ in 0..<3 { try await martlet.get().expect(200) }
            #expect(try await martlet.status().pools.first?.targets.count == 1)
        }
    }

    @Test func AListenerThatTheKernelRefusesLateChangesNothingEither() async throws {
        try await withMartlet(mocks: 2, { onePool([$0[0].target()]) }) { martlet, mocks in
            // The socket is bound, and then the event loop that is to serve it fails.
            let serving = try martlet.servingID
            let tracer = try await Tracer.start(serving, threads: Tracer.loops(serving), "listen:error=ENOMEM")
            let more = "listen: [\"127.0.0.1:0\", \"127.0.0.1:\(try await Refusing.port())\"]\n"
            let answer = try await martlet.tryReload(more + onePool([mocks[1].target()]))
            tracer.stop()
            #expect(answer.status == 400)
            for _ in 0..<3 { try await martlet.get().expect(200) }
            #expect(mocks[0].echoes == 3, "served by the configuration of before")
            try await martlet.reload(more + onePool([mocks[1].target()]))
            try await martlet.get().expect(200)
            #expect(mocks[1].echoes == 1)
            try await martlet.reload(onePool([mocks[1].target()]))
        }
    }

    @Test func AddressesOpenAndCloseWithTheirConnectionsLivingOn() async throws {
        try await withMartlet(mocks: 2, { onePool([$0[0].target()]) }) { martlet, mocks in
            // A port that was just given back.
            let extra = mocks[1].port
            await mocks[1].stop()
            let pool = onePool([mocks[0].target()])
            try await martlet.reload("listen: [\"127.0.0.1:0\", \"127.0.0.1:\(extra)\"]\n" + pool)
            let client = try await Client.connect(extra)
            try await client.send(Client.request("GET", "/x"))
            try await client.answer().expect(200)
            try await martlet.reload("listen: \"127.0.0.1:0\"\n" + pool)
            #expect(await (try? Client.connect(extra)) == nil)
            try await client.send(Client.request("GET", "/x"))
            try await client.answer().expect(200)
            await client.close()
            try await martlet.get().expect(200)
        }
    }

    @Test func NoRequestFailsDuringAHundredReloads() async throws {
        try await withMartlet(mocks: 2, { Self.pool($0[0], $0[1]) }) { martlet, mocks in
            async let report = Self.load(on: martlet, connections: 8, for: .seconds(4))
            for number in 0..<100 {
                try await martlet.reload(Self.pool(mocks[number % 2], mocks[1], "balance: round_robin, "))
            }
            let seen = try await report
            #expect(seen.failed == 0, "\(seen.text)")
            #expect(seen.completed > 100)
        }
    }

    @Test func SighupToTheParentReloads() async throws {
        try await withMartlet(mocks: 2, { onePool([$0[0].target()]) }) { martlet, mocks in
            try martlet.write(onePool(mocks.targets()))
            kill(martlet.processID, SIGHUP)
            try await until("both targets") { try await martlet.status().pools.first?.targets.count == 2 }
            #expect(martlet.log().contains("configuration reloaded"))
        }
    }

    @Test func NoRequestFailsWhileTheOnlyTargetIsExchanged() async throws {
        try await withMartlet(mocks: 2, { Self.pool($0[0], $0[0]) }) { martlet, mocks in
            async let report = Self.load(on: martlet, connections: 4, for: .seconds(2))
            for number in 1...20 { try await martlet.reload(Self.pool(mocks[number % 2], mocks[number % 2])) }
            let seen = try await report
            #expect(seen.failed == 0, "\(seen.text)")
            #expect(mocks.allSatisfy { $0.chats > 0 })
        }
    }

    @Test func TheTokenComesFromTheEnvironmentOrAFileToo() async throws {
        let console = "console: {address: \"127.0.0.1:0\", token: open-sesame}\n"
        let martlet = try await MartletProcess.start(console + onePool(["http://127.0.0.1:9"]))
        do {
            let file = martlet.directory.appending(path: "token")
            try "open-sesame\n".write(to: file, atomically: true, encoding: .utf8)
            let reload = [
                try Repository.binary.path, "reload", "--console", "http://127.0.0.1:\(martlet.consolePort)",
            ]
            // `env` runs what follows its variables.
            let refused = try await CommandRun.tool("MARTLET_CONSOLE_TOKEN=wrong", reload)
            #expect(refused.status == 1)
            #expect(try await CommandRun.tool("MARTLET_CONSOLE_TOKEN=open-sesame", reload).status == 0)
            let byFile = try await CommandRun.tool("MARTLET_CONSOLE_TOKEN=", reload + ["--token-file", file.path])
            #expect(byFile.status == 0)
        } catch {
            await martlet.stop()
            throw error
        }
        await martlet.stop()
    }

    @Test func AServerThatIsToldToStopIsNotReloaded() async throws {
        try await withMocks(1) { mocks in
            let martlet = try await MartletProcess.start(onePool(mocks.targets()))
            let stream = try await martlet.connect()
            try await stream.send(
                Client.request(
                    "POST", "/v1/chat/completions", headers: ["x-mock-fault: hang"],
                    body: MartletProcess.chatBody(stream: true)))
            _ = try await Self.streaming(mocks)
            kill(martlet.processID, SIGTERM)
            try await until("no connection to be taken") { (try? await martlet.peer()) == nil }
            let answer = try await martlet.tryReload(onePool(mocks.targets()))
            #expect(answer.status == 400)
            #expect(await (try? martlet.peer()) == nil)
            await stream.close()
            await martlet.stop()
        }
    }

    private static func load(
        on martlet: MartletProcess, connections: Int, for duration: Duration
    ) async throws -> LoadReport {
        try await martlet.load {
            $0.connections = connections
            $0.duration = duration
        }
    }

    // MARK: Configurations

    private static func pool(_ first: MockServer, _ second: MockServer, _ more: String = "") -> String {
        let targets = Set([first.url, second.url]).sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        return """
            pools:
              main: {\(more)keepalive: {idle: 200ms}, health: {path: /health, interval: 100ms}, targets: [\(targets)]}
            """
    }

    private static func streaming(_ mocks: [MockServer]) async throws -> MockServer? {
        try await until("the stream to run") { mocks.contains { $0.stats.active == 1 } }
        return mocks.first { $0.stats.active == 1 }
    }
}
