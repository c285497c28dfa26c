import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletNet
import MartletTesting
import MartletWire
import Testing

@testable import Martlet

@Suite("Models in Swift, asked in other servers' ways")
struct SwiftModelTests {
    private let inside: Inside

    init() throws { inside = try Inside() }

    @Test("Those whose input is an object have a name; chains and others do not")
    func names() throws {
        let apis = [
            API("/double", Doubling()).served.api, API(streaming: "/countdown", Countdown()).served.api,
            API("/text/double", Doubling(), isTool: false).served.api,
            Chain("/chain", Lambda("one") { (x: Int) in x }).served.api,
        ]
        let pools = try apis.map { try Pool.fake($0.name, count: 1, now: .current) }
        let routes = zip(apis, pools).map { Route(index: 0, path: $0.route, destination: .pool($1), bodyLimit: 1) }
        let models = ServedModel.all(apis, routes: routes, pools: pools)
        #expect(models.map(\.name) == ["double", "text/double"])
        #expect(models.map(\.version) == ["1", "1"])
        #expect(models.map(\.plainInputs) == [["number"], ["number"]])
        #expect(MCPTool.all(models).map(\.name) == ["double"], "the other one declines")
    }

    @Test("The Open Inference Protocol says who computes, and gets tensors for tensors")
    func inference() async throws {
        let endpoint = InferenceEndpoint([try inside.model()], caller: inside.caller)
        let metadata = try await endpoint.handle(.fake(.get, "/v2/models/double")).json
        #expect(metadata["platform"] == "martlet_swift" && metadata["versions"] == ["1"])
        #expect(metadata["inputs"] == [["name": "number", "datatype": "INT64", "shape": [1]]])
        #expect(metadata["outputs"] == [["name": "double", "datatype": "INT64", "shape": [1]]])
        let tensor = #"{"inputs": [{"name": "number", "shape": [1], "datatype": "INT64", "data": [21]}]}"#
        let answer = try await endpoint.handle(.fake(.post, "/v2/models/double/infer", tensor)).json
        guard case .array(let outputs)? = answer["outputs"] else { return #expect(Bool(false), "\(answer)") }
        #expect(outputs.map { $0["name"] } == ["double"] && outputs.map { $0["data"] } == [[42]])
        let text = #"{"inputs": [{"name": "number", "shape": [1], "datatype": "BYTES", "data": ["x"]}]}"#
        #expect(try await endpoint.handle(.fake(.post, "/v2/models/double/infer", text)).status == 422)
    }

    @Test("An assistant calls a model as a tool")
    func tools() async throws {
        let tools = MCPTool.all([try inside.model()])
        let endpoint = MCPEndpoint(tools, caller: inside.caller, logger: Logger(label: "test"))
        let list = #"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#
        let listed = try await endpoint.handle(.fake(.post, "/mcp", list)).json
        guard case .array(let told)? = listed["result"]?["tools"] else { return #expect(Bool(false), "\(listed)") }
        #expect(told.map { $0["inputSchema"]?["required"] } == [["number"]])
        let call = """
            {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
             "params": {"name": "double", "arguments": {"number": 21}}}
            """
        let called = try await endpoint.handle(.fake(.post, "/mcp", call)).json
        #expect(called["result"] == ["content": [["type": "text", "text": #"{"double":42}"#]], "isError": false])
        #expect(MCPTool.all([try inside.model(isTool: false)]).isEmpty)
    }

    @Test("With a key set, whoever does not show it is refused")
    func key() async throws {
        let key = try #require(Keyed.key(in: ["LIT_SERVER_API_KEY": "sesame"]))
        func status(_ key: Secret?, _ fields: [(String, String)] = []) async throws -> Int {
            let route = Route(
                index: 0, path: "/double", destination: .local(inside.doubling), bodyLimit: 1 << 20, key: key)
            return try await inside.caller.ask(route, .fake(.post, "/double", #"{"number": 1}"#, fields)).status
        }
        for fields in [[], [("X-API-Key", "sesam")]] { #expect(try await status(key, fields) == 401) }
        #expect(try await status(key, [("X-API-Key", "sesame")]) == 200)
        for nothing in [[:], ["LIT_SERVER_API_KEY": ""]] { #expect(try await status(Keyed.key(in: nothing)) == 200) }
    }

    @Test("The key of a model of this server goes to no pool that the configuration calls by the model's path")
    func keyForOwnAlone() throws {
        let (own, named) = (
            try Pool.fake("/double", count: 1, now: .current), try Pool.fake("/double", count: 1, now: .current))
        let routes = RoutesInForce()
        routes.adopt(
            [
                Route(index: 0, path: "/double", destination: .pool(own), bodyLimit: 1, isExact: true),
                Route(index: 1, path: "/", destination: .pool(named), bodyLimit: 1),
            ],
            own: [OwnPool(pool: own, key: Secret("sesame"))])
        #expect(routes.route(to: "/double")?.key == Secret("sesame"))
        let elsewhere = try #require(routes.route(to: "/elsewhere"))
        #expect(elsewhere.key == nil)
    }

    @Test("A model whose name another one has gets a number behind it, and is asked by that")
    func takenName() async throws {
        let worker = APIDescription(name: "m.py", path: "/predict", modelNames: ["double"])
        let apis = [worker, API("/double", Doubling()).served.api, API("/double_2", Doubling()).served.api]
        let pools = try apis.map { try Pool.fake($0.name, count: 1, now: .current) }
        let destinations: [Route.Destination] = [.pool(pools[0]), .pool(pools[1]), .pool(pools[2])]
        let routes = zip(apis, destinations).map { Route(index: 0, path: $0.route, destination: $1, bodyLimit: 1) }
        let models = ServedModel.all(apis, routes: routes, pools: pools)
        #expect(models.map(\.name) == ["double", "double_3", "double_2"])
        #expect(models.map(\.isRenamed) == [false, true, false])
        let endpoint = InferenceEndpoint(models, caller: inside.caller)
        for (name, platform) in [("double", "martlet_worker"), ("double_3", "martlet_swift")] {
            let metadata = try await endpoint.handle(.fake(.get, "/v2/models/\(name)")).json
            #expect(metadata["platform"]?.words == platform)
        }
    }

    @Test("Information about a program without workers has the shape of that about an app")
    func information() async throws {
        let apis = [API("/double", Doubling()).served.api, API(streaming: "/countdown", Countdown()).served.api]
        let info = try await AppTextEndpoint(info: nil, apis).handle(.fake(.get, "/info")).json
        #expect(
            info == [
                "model": .null,
                "server": [
                    "devices": ["cpu"], "workers_per_device": 1, "stream": ["/double": false, "/countdown": true],
                ],
            ])
    }
}
