import MartletTools
import NIOPosix
import Testing

/// Targets that come and go while the gateway serves, and those that have a name.
@Suite(.serialized, .timeLimit(.minutes(1))) struct MembershipTests {
    private func console(_ martlet: MartletProcess) -> String { "http://127.0.0.1:\(martlet.consolePort)" }

    @Test func TargetIsAddedWithoutAReload() async throws {
        let configuration = { (mocks: [MockServer]) in onePool([mocks[0].target("max_inflight: 7")]) }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            try await martlet.changeTarget("add", pool: "main", url: mocks[1].url).expect(200)
            for _ in 0..<10 { try await martlet.get().expect(200) }
            #expect(mocks.map(\.echoes) == [5, 5])
        }
    }

    @Test func DrainedTargetEndsItsWorkAndSaysWhenItIsEmpty() async throws {
        try await withMartlet(mocks: 2, { onePool($0.targets()) }) { martlet, mocks in
            let client = try await martlet.connect()
            try await client.send(
                Client.request("POST", "/v1/chat/completions", headers: ["x-mock-tokens: 20", "x-mock-interval: 50ms"],
                    body: MartletProcess.chatBody(stream: true)))
            try await until("the stream to run") { mocks.contains { $0.stats.active == 1 } }
            let busy = try #require(mocks.first { $0.stats.active == 1 })
            let idle = try #require(mocks.first { $0.stats.active == 0 })

            let answer = try await martlet.changeTarget("drain", pool: "main", url: busy.url).expect(202)
            #expect(answer.json["result"] as? String == "draining")
            #expect(try await martlet.status().target(busy.port)?.state == "draining")
            for _ in 0..<6 { try await martlet.get().expect(200) }
            #expect(idle.echoes == 6)

            let stream = try await client.answer().expect(200)
            #expect(stream.events.last == "[DONE]", "what runs is not cut off")
            await client.close()
            try await until("the log to say that it is empty") { martlet.log().contains("target is empty") }
            let again = try await martlet.changeTarget("drain", pool: "main", url: busy.url).expect(200)
            #expect(again.json["result"] as? String == "empty")
        }
    }

    @Test func RemovedTargetIsGone() async throws {
        try await withMartlet(mocks: 2, { onePool($0.targets()) }) { martlet, mocks in
            for _ in 0..<4 { try await martlet.get().expect(200) }
            let answer = try await martlet.changeTarget("remove", pool: "main", url: mocks[0].url).expect(200)
            #expect(answer.json["result"] as? String == "empty")
            let served = mocks[0].echoes
            for _ in 0..<6 { try await martlet.get().expect(200) }
            #expect(mocks[0].echoes == served)
            #expect(try await martlet.status().target(mocks[0].port) == nil)
            try await martlet.changeTarget("remove", pool: "main", url: mocks[0].url).expect(404)
        }
    }

    @Test func WrongChangesAreRefusedAndChangeNothing() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, mocks in
            try await martlet.changeTarget("add", pool: "nowhere", url: mocks[0].url).expect(404)
            try await martlet.changeTarget("add", pool: "main", url: "ftp://x").expect(400)
            try await martlet.changeTarget("dance", pool: "main", url: mocks[0].url).expect(400)
            let json = ["Content-Type: application/json"]
            try await Client.ask("POST", "/targets", port: martlet.consolePort, headers: json, body: "{").expect(400)
            try await Client.ask("POST", "/targets", port: martlet.consolePort, body: "{}").expect(400, "bad_request")
            try await Client.ask("GET", "/targets", port: martlet.consolePort).expect(405)
            #expect(try await martlet.status().pool("main")?.targets.count == 1)
            try await martlet.get().expect(200)
        }
    }

    @Test func CommandLineDrainsAndWaitsUntilItIsEmpty() async throws {
        try await withMartlet(mocks: 2, { onePool($0.targets()) }) { martlet, mocks in
            let client = try await martlet.connect()
            try await client.send(Client.request("GET", "/x", headers: ["x-mock-latency: 600ms"]))
            try await until("the request to be at a target") { mocks.contains { $0.stats.active == 1 } }
            let busy = try #require(mocks.first { $0.stats.active == 1 })
            let run = try await CommandRun.martlet(
                "target", "drain", "main", busy.url, "--wait", "--console", console(martlet))
            #expect(run.status == 0)
            #expect(run.output.contains("draining"))
            #expect(run.output.hasSuffix("empty\n"))
            #expect(try await martlet.status().pool("main")?.inFlight == 0, "it came back no sooner")
            try await client.answer().expect(200)
            await client.close()
        }
    }

    @Test func CommandLineAddsAndRemoves() async throws {
        try await withMartlet(mocks: 2, { onePool([$0[0].target()]) }) { martlet, mocks in
            let url = mocks[1].url
            let addition = try await CommandRun.martlet("target", "add", "main", url, "--console", console(martlet))
            #expect(addition.status == 0)
            #expect(try await martlet.status().target(mocks[1].port)?.state == "up")
            let removal = try await CommandRun.martlet("target", "remove", "main", url, "--console", console(martlet))
            #expect(removal.output.contains("empty"))
            #expect(try await martlet.status().target(mocks[1].port) == nil)
            let wrong = try await CommandRun.martlet("target", "remove", "main", url, "--console", console(martlet))
            #expect(wrong.status == 1)
            #expect(wrong.output.contains("no target"))
            try await martlet.get().expect(200)
        }
    }

    @Test func NameIsResolved() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(["{url: \"http://localhost:\(mocks[0].port)\", max_fails: 0}"])
        }
        try await withMartlet(mocks: 1, configuration) { martlet, mocks in
            for _ in 0..<4 {
                let answer = try await martlet.get().expect(200)
                let headers = answer.json["headers"] as? [String: String]
                #expect(headers?["host"] == "localhost:\(mocks[0].port)")
            }
            let target = try await martlet.status().pool("main")?.targets.first { $0.url.contains("127.0.0.1") }
            #expect(target?.url.contains("localhost") == true, "the name and the address it stands for")
        }
    }

    @Test func NameThatDoesNotResolveIsSaidAndServesNothing() async throws {
        let configuration = { (mocks: [MockServer]) in
            """
            pools:
              good: {targets: [\(mocks[0].url)], keepalive: {idle: 200ms}, health: "off"}
              lost: {targets: ["http://does-not-exist.invalid:80"], health: "off"}
            routes:
              - {path: /, pool: good}
              - {path: /lost/, pool: lost}
            """
        }
        try await withMartlet(mocks: 1, configuration) { martlet, _ in
            try await martlet.get("/x").expect(200)
            try await martlet.get("/lost/x").expect(502, "no_target")
            try await until("the log to name it") { martlet.log().contains("does-not-exist.invalid") }
        }
    }
}
