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
        let guarded = Keyed.guarding(inside.doubling, by: key)
        for fields in [[], [("X-API-Key", "sesam")]] {
            #expect(try await guarded.handle(.fake(.post, "/double", #"{"number": 1}"#, fields)).status == 401)
        }
        let shown = try await guarded.handle(.fake(.post, "/double", #"{"number": 1}"#, [("X-API-Key", "sesame")]))
        #expect(shown.status == 200)
        for nothing in [[:], ["LIT_SERVER_API_KEY": ""]] {
            let open = Keyed.guarding(inside.doubling, by: Keyed.key(in: nothing))
            #expect(try await open.handle(.fake(.post, "/double", #"{"number": 1}"#)).status == 200)
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
