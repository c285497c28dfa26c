import FoundationEssentials
import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletWire
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Martlet

@Suite("LangServe's paths before a Swift chain")
struct ChainEndpointTests {
    private static let dispatch = Dispatch(
        LoopTable(group: MultiThreadedEventLoopGroup.singleton, contexts: []), RoutesInForce())

    private func answer(
        _ path: String, _ body: String = "{}", method: MartletWire.Method = .post, keys: Set<String> = ["configurable"]
    ) async throws -> (status: Int, body: String) {
        let told = Lambda("told") { (x: Int, run: Run) in
            if x < 0 { throw HTTPError(418, "not for you") }
            if x == 0 { throw ModelError(status: 503, code: "queue_full", message: "full", retryAfter: 4) }
            return "\(x) \(run.tags.joined(separator: ",")) \(run.configurable.keys.sorted().joined())"
        }
        let endpoint = ChainEndpoint(
            Told(step: told), path: "/t", configKeys: keys, dispatch: Self.dispatch, logger: Logger(label: "test"))
        let response = try await endpoint.handle(
            LocalRequest(
                method: method, path: "/t/" + path, query: "", headers: HeaderBlock(), body: ByteBuffer(string: body),
                clientAddress: "192.0.2.1"))
        guard let stream = response.stream else { return (response.status, String(buffer: response.body)) }
        let writer = LocalWriter {}
        try await stream(writer)
        return (response.status, writer.take().map { String(buffer: $0) }.joined())
    }

    /// A step that may be told a word.
    private struct Told: Runnable {
        let step: Lambda<Int, String>
        var configurable: Fields { ["word": ["type": "string"]] }
        func answer(_ input: Int, _ run: Run) async throws -> String { try await step.answer(input, run) }
    }

    @Test("Of a configuration counts what the server allows, from the path and from the body")
    func configurations() async throws {
        // {"configurable":{"word":"x"},"tags":["path"]}
        let hash = "N4Igxg9gdgZglgcwK4CcCGAjANgUxALlAHcIUATAkADxAF8AaEAFzQQGcCBtEABzSYAWIALq0gA"
        let said = #"{"input": 1, "config": {"tags": ["b", "a"], "configurable": {"word": "x", "other": 1}}}"#
        #expect(try await answer("invoke", said).body.hasPrefix(#"{"output":"1  word","metadata":{"run_id":""#))
        #expect(try await answer("invoke", said, keys: ["tags", "configurable"]).body.contains("1 a,b word"))
        #expect(try await answer("invoke", said, keys: []).status == 422)
        let both = #"{"input": 2, "config": {"tags": ["body"]}}"#
        #expect(try await answer("c/\(hash)/invoke", both, keys: ["tags", "configurable"]).body.contains("2 body,path word"))
        #expect(try await answer("c/N4XyA/invoke", #"{"input": 2}"#).body.hasPrefix(#"{"output":"2  ""#))
        #expect(try await answer("c/!!!/invoke", #"{"input": 2}"#) == (400, #"{"detail":"Invalid config hash"}"#))
    }

    @Test("Refusals are in the form that clients read")
    func refusals() async throws {
        #expect(try await answer("invoke", "{bad") == (422, #"{"detail":["Invalid JSON body"]}"#))
        let missing = #"{"detail":[{"input":{},"loc":["input"],"msg":"Field required","type":"missing"}]}"#
        #expect(try await answer("invoke") == (422, missing))
        #expect(try await answer("invoke", #"{"input": "x"}"#).body.contains(#""type":"int_parsing""#))
        #expect(try await answer("batch", #"{"inputs": [1], "config": [{}, {}]}"#).body.contains("(2) must match"))
        #expect(try await answer("invoke", #"{"input": -1}"#) == (418, #"{"detail":"not for you"}"#))
        #expect(try await answer("invoke", #"{"input": 0}"#) == (503, #"{"detail":"full"}"#))
        #expect(try await answer("stream", "{}").body.contains(#""message":"the request is not valid""#))
        #expect(try await answer("invoke", method: .get).status == 405)
        #expect(try await answer("nothing").status == 404)
        #expect(try await answer("token_feedback", #"{"token_or_url": "x"}"#).status == 400)
    }

    @Test("A stream says who it is, then its pieces, then its end or its error")
    func streams() async throws {
        let whole = try await answer("stream", #"{"input": 1}"#).body
        #expect(whole.hasPrefix("event: metadata\r\ndata: {\"run_id\": \""))
        #expect(whole.hasSuffix("\r\n\r\nevent: data\r\ndata: \"1  \"\r\n\r\nevent: end\r\n\r\n"))
        let broken = try await answer("stream", #"{"input": 0}"#).body
        #expect(broken == "event: error\r\ndata: {\"status_code\": 503, \"message\": \"full\"}\r\n\r\n")
        let log = try await answer("stream_log", #"{"input": 1}"#).body
        #expect(log.contains(#"{"op":"replace","path":"/final_output","value":"1  "}"#))
    }

    @Test("A batch has an answer and an id for each input")
    func batches() async throws {
        let body = try await answer("batch", #"{"inputs": [1, 2, 3]}"#).body
        let read = try JSON.parse(body.utf8)
        #expect(read["output"] == ["1  ", "2  ", "3  "])
        guard case .array(let ids)? = read["metadata"]?["run_ids"] else { return #expect(Bool(false), "\(body)") }
        #expect(Set(ids).count == 3)
        #expect(try JSON.parse(try await answer("batch", #"{"inputs": []}"#).body.utf8)["output"] == [])
    }

    @Test("The playground is the very page that the SDK serves before Python's runnables")
    func page() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        let file = root.appendingPathComponent("sdk/python/martlet/chains/playground.html").standardized
        let page = try String(contentsOf: file, encoding: .utf8)
        #expect(page.hasPrefix("<!doctype html>"))
        #expect(try await answer("playground/", method: .get).body == page)
        #expect(try await answer("playground", method: .get).status == 307)
    }
}
