import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Programs with chains and models in Swift: the example (`Examples/Chains`) before a backend, and one that
/// crashes.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SwiftExampleTests {
    private func withProgram(
        _ name: String, _ configuration: String, environment: [String: String] = [:],
        body: (MartletProcess) async throws -> Void
    ) async throws {
        // The program takes the file alone: `martlet up FILE` is what the harness says.
        let wrapper = ["/bin/sh", "-c", "exec \(try Self.program(name)) \"$2\""]
        try await withMartlet(configuration, environment: environment, under: wrapper, body: body)
    }

    private func withExample(
        _ options: MockOptions = MockOptions(), environment: [String: String] = [:],
        body: (MartletProcess, MockServer) async throws -> Void
    ) async throws {
        try await withMocks(1, options) { mocks in
            try await withProgram("jokes", Self.configuration(mocks[0].url), environment: environment) { martlet in
                try await body(martlet, mocks[0])
            }
        }
    }

    private static func program(_ name: String) throws -> String {
        let path = Repository.root.appending(path: ".build/debug/\(name)").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "it is not built: \(path)")
        return path
    }

    private static func configuration(_ backend: String) -> String {
        """
        pools:
          local: {targets: [\(backend)], keepalive: {idle: 200ms}}
        models: {smollm2: local, e5: local}

        """
    }

    private static func post(_ path: String, _ body: String) -> String {
        Client.request("POST", path, headers: ["Content-Type: application/json"], body: body)
    }

    private static let topic = #"{"input": {"topic": "birds"}}"#

    @Test func aChainAsksItsModelThroughTheDispatcher() async throws {
        try await withExample { martlet, mock in
            let answer = try await martlet.post("/joke/invoke", body: Self.topic).expect(200)
            #expect(answer.body.hasPrefix(#"{"output":""#) && answer.body.contains("run_id"))
            let stream = try await martlet.post("/joke/stream", body: Self.topic).expect(200)
            #expect(stream.body.hasPrefix("event: metadata\r\n") && stream.body.hasSuffix("event: end\r\n\r\n"))
            #expect(stream.body.ranges(of: #"data: "token "#).count == 16)
            let both = try await martlet.post("/both/invoke", body: Self.topic).expect(200)
            #expect(both.body.contains(#""joke":"#) && both.body.contains(#""poem":"#))
            let vectors = try await martlet.post("/vectors/invoke", body: #"{"input": ["a", "b"]}"#).expect(200)
            #expect(vectors.body.hasPrefix(#"{"output":[["#) && vectors.body.contains("],["), "\(vectors.body)")
            #expect(mock.stats.byPath["/v1/chat/completions"] == 4)
            #expect(mock.stats.byPath["/v1/embeddings"] == 1)
            let pools = try await martlet.status().pools
            #expect(pools.map(\.name).sorted() == ["/both/", "/countdown", "/double", "/joke/", "/vectors/", "local"])
        }
    }

    @Test func whoLeavesAChainStopsItsModel() async throws {
        var options = MockOptions()
        options.behaviour.tokens = 10_000
        options.behaviour.interval = .milliseconds(5)
        try await withExample(options) { martlet, mock in
            let client = try await martlet.peer()
            try await client.send(Self.post("/joke/stream", Self.topic))
            _ = try await client.receive(.text("event: data"))
            _ = try await client.leave(.reset)
            try await until("the model to be called off", within: .seconds(2)) {
                mock.stats.cancelled == 1 && mock.stats.active == 0
            }
        }
    }

    @Test func whoLeavesBeforeTheFirstWordStopsItToo() async throws {
        var options = MockOptions()
        options.behaviour.latency = .seconds(30)
        try await withExample(options) { martlet, mock in
            let client = try await martlet.connect()
            try await client.send(Self.post("/both/invoke", Self.topic))
            try await until("both models to be asked") { mock.stats.active == 2 }
            try await client.reset()
            try await until("both to be called off", within: .seconds(2)) { mock.stats.cancelled == 2 }
        }
    }

    @Test func aModelThatFailsIsTriedAgainAndThenSaid() async throws {
        var options = MockOptions()
        options.behaviour.fault = try #require(MockFault(text: "status:500"))
        try await withExample(options) { martlet, mock in
            let answer = try await martlet.post("/joke/invoke", body: Self.topic)
            #expect(answer.status == 500 && answer.body == "Internal Server Error")
            #expect(mock.stats.byPath["/v1/chat/completions"] == 2)
        }
    }

    @Test func aModelComputesInBatchesAndSaysWhatDoesNotFit() async throws {
        try await withExample { martlet, _ in
            let answers = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for number in 0..<50 {
                    group.addTask {
                        (number, try await martlet.post("/double", body: #"{"number": \#(number)}"#).expect(200).body)
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            for number in 0..<50 { #expect(answers[number] == #"{"double":\#(2 * number)}"#) }
            let refused = try await martlet.post("/double", body: #"{"number": "x"}"#)
            #expect(refused.status == 422 && refused.body.contains(#""loc":["number"]"#))
        }
    }

    @Test func whatIsServedIsDescribedAndAskedInOtherServersWays() async throws {
        try await withExample { martlet, _ in
            #expect(try await martlet.get("/health").expect(200).body == "ok")
            let server = try await martlet.get("/info").expect(200).json["server"] as? [String: Any]
            let streams = try #require(server?["stream"] as? [String: Bool])
            #expect(streams["/double"] == false && streams["/countdown"] == true && streams["/joke/"] == true)

            let document = try await martlet.get("/openapi.json").expect(200).json
            #expect((document["info"] as? [String: Any])?["title"] as? String == "jokes")
            let paths = try #require(document["paths"] as? [String: Any])
            for path in ["/joke/invoke", "/joke/c/{config_hash}/stream", "/double", "/countdown", "/v2", "/health"] {
                #expect(paths[path] != nil, "\(path) is not among \(paths.keys.sorted())")
            }
            let components = document["components"] as? [String: Any]
            let schemas = try #require(components?["schemas"] as? [String: [String: Any]])
            #expect(schemas["joke_input"]?["required"] as? [String] == ["topic"])

            let tensor = #"{"inputs": [{"name": "number", "shape": [1], "datatype": "INT64", "data": [21]}]}"#
            let inferred = try await martlet.post("/v2/models/double/infer", body: tensor).expect(200)
            #expect(inferred.body.contains(#""data":[42]"#), "\(inferred.body)")
            let metadata = try await martlet.get("/v2/models/double").expect(200)
            #expect(metadata.json["platform"] as? String == "martlet_swift")
            // It takes a number, which is no object.
            try await martlet.get("/v2/models/countdown").expect(404)
            let call = #"""
                {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                 "params": {"name": "double", "arguments": {"number": 21}}}
                """#
            let called = try await martlet.ask("POST", "/mcp", headers: ["Content-Type: application/json"], body: call)
            #expect(called.expect(200).body.contains(#"{\"double\":42}"#), "\(called.body)")

            for path in ["/double", "/joke/invoke", "/v2/models/double/infer", "/mcp"] {
                let refused = try await martlet.get(path)
                #expect(refused.status == 405 && refused.header("allow") == "POST", "\(path)")
            }
        }
    }

    @Test func theKeyGuardsAllOfItAndOpensAChainsWayToTheModelsOfItsOwnProgram() async throws {
        let other = "pools: {other: {targets: [http://127.0.0.1:1], health: off}}\n"
        try await withProgram("chain-peer", other, environment: ["LIT_SERVER_API_KEY": "sesame"]) { martlet in
            let lengths = #"{"model": "lengths", "input": ["a", "four"]}"#
            let asked = [
                ("POST", "/v1/embeddings", lengths), ("POST", "/vectors/invoke", #"{"input": ["a", "four"]}"#),
                ("GET", "/openapi.json", ""), ("GET", "/health", ""), ("GET", "/v2", ""),
            ]
            for (method, path, body) in asked {
                let refused = try await martlet.ask(method, path, body: body.isEmpty ? nil : body)
                #expect(refused.status == 401, "\(path)")
                let answer = try await martlet.ask(
                    method, path, headers: ["X-API-Key: sesame"], body: body.isEmpty ? nil : body)
                #expect(answer.status == 200, "\(path): \(answer.body)")
                guard path == "/vectors/invoke" else { continue }
                #expect(answer.body.hasPrefix(#"{"output":[[1],[4]]"#), "\(answer.body)")
            }
        }
    }

    @Test func noOtherBackendSeesTheKey() async throws {
        var options = MockOptions()
        options.keepsHeads = true
        try await withExample(options, environment: ["LIT_SERVER_API_KEY": "sesame"]) { martlet, mock in
            try await martlet.post("/joke/invoke", headers: ["X-API-Key: sesame"], body: Self.topic).expect(200)
            let heads = mock.heads.filter { $0.hasPrefix("POST /v1/chat/completions ") }
            #expect(heads.count == 1)
            for head in heads {
                #expect(!head.lowercased().contains("x-api-key") && !head.contains("sesame"), "\(head)")
            }
        }
    }

    @Test func aModelThatTrapsCostsTheRequestsOfThatMomentAndTheProcessIsBackWithinASecond() async throws {
        let other = "pools: {other: {targets: [http://127.0.0.1:1], health: off}}\n"
        try await withProgram("chain-peer", other) { martlet in
            // Old enough to be started again without a pause.
            try await Task.sleep(for: .milliseconds(1100))
            #expect(try await martlet.post("/pick", body: "1").expect(200).body == #""two""#)
            let former = try martlet.servingID
            let (_, time) = try await timed {
                let lost = try await martlet.post("/pick", body: "2")
                #expect(!lost.isComplete && lost.body.isEmpty, "the connection is broken off")
                try await martlet.post("/add_one/invoke", body: #"{"input": 1}"#).expect(200)
            }
            #expect(try martlet.servingID != former)
            #expect(time < .seconds(1))
            #expect(martlet.log().contains("the serving process ended"))
            #expect(try await martlet.post("/pick", body: "0").expect(200).body == #""one""#)
        }
    }

    @Test func aStreamingModelIsStoppedByItsReader() async throws {
        try await withExample { martlet, _ in
            #expect(try await martlet.post("/countdown", body: "2").expect(200).body == "2\n1\n")
            let client = try await martlet.peer()
            try await client.send(Self.post("/countdown", "100000"))
            _ = try await client.receive(.text("99999\n"))
            _ = try await client.leave(.fin)
            try await until("nothing to be in flight", within: .seconds(1)) { try await martlet.status().isAtRest }
        }
    }

    @Test func ToldToEndItEndsThoughItsCallerBlocksSignals() async throws {
        let blocking = """
            import os, signal, sys
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
            os.execv(sys.argv[1], [sys.argv[1], sys.argv[4]])
            """
        let caller = ["/usr/bin/python3", "-c", blocking, try Self.program("jokes")]
        let martlet = try await MartletProcess.start(Self.configuration("http://127.0.0.1:1"), under: caller)
        kill(martlet.processID, SIGTERM)
        try await until("it to end", within: .seconds(2), explain: { martlet.log() }) { !martlet.isRunning }
        await martlet.stop()
    }
}
