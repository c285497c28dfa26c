import Foundation
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletTelemetry
import MartletWire
import MartletWorkers
import NIOCore

/// `/mcp`: the APIs that their app offers to assistants, as tools of the Model Context Protocol.
///
/// Its "streamable HTTP" without sessions: each POST carries one JSON-RPC message and has a JSON answer. Nothing is
/// told to clients of our own accord, so there is no stream to open.
final class MCPEndpoint: LocalHandler {
    struct Offer: Sendable {
        let tool: WorkerAPI.Tool
        let route: Route
    }

    /// What went wrong, as JSON-RPC numbers it.
    private struct Fault: Error {
        let code: Int
        let message: String
    }

    /// The newest first, which is offered where a client's own is none of these.
    private static let versions = ["2025-06-18", "2025-03-26", "2024-11-05"]
    private static let dropped: FieldSet = FieldSet.hopByHop.union(.framing).union([.contentType, .accept])

    private let offers: [Offer]
    private let caller: InnerCaller

    init(_ offers: [Offer], caller: InnerCaller) {
        self.offers = offers
        self.caller = caller
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        guard request.method == .post else { throw MartletError(.methodNotAllowed, cause: "use POST") }
        guard let message = try? JSONDecoder().decode(JSONValue.self, from: Data(request.body.readableBytesView)) else {
            return Self.answer(.null, .failure(Fault(code: -32700, message: "this is no JSON")), status: 400)
        }
        guard case .string(let method)? = message["method"] else {
            return Self.answer(.null, .failure(Fault(code: -32600, message: "one request at a time")), status: 400)
        }
        guard let id = message["id"] else {
            return LocalResponse(status: 202, contentType: "application/json", body: ByteBuffer())
        }
        do throws(Fault) {
            return Self.answer(id, .success(try await result(method, message["params"] ?? [:], request)))
        } catch {
            return Self.answer(id, .failure(error))
        }
    }

    private func result(_ method: String, _ params: JSONValue, _ request: LocalRequest) async throws(Fault) -> JSONValue
    {
        switch method {
        case "initialize":
            var version = Self.versions[0]
            if case .string(let own)? = params["protocolVersion"], Self.versions.contains(own) { version = own }
            return [
                "protocolVersion": .string(version), "capabilities": ["tools": ["listChanged": false]],
                "serverInfo": ["name": "martlet", "version": .string(BuildInfo.current.version)],
            ]
        case "ping": return [:]
        case "tools/list": return ["tools": .array(offers.map { Self.described($0.tool) })]
        case "tools/call": return try await call(params, request)
        default: throw Fault(code: -32601, message: "there is no method \(method)")
        }
    }

    private static func described(_ tool: WorkerAPI.Tool) -> JSONValue {
        var schema = tool.schema ?? [:]
        if schema["type"] == nil { schema["type"] = "object" }
        return ["name": .string(tool.name), "description": .string(tool.description ?? ""), "inputSchema": schema]
    }

    /// Asks the API as any client would, with the fields of the assistant's own request, its keys among them.
    private func call(_ params: JSONValue, _ request: LocalRequest) async throws(Fault) -> JSONValue {
        guard case .string(let name)? = params["name"], let offer = offers.first(where: { $0.tool.name == name }) else {
            throw Fault(code: -32602, message: "there is no such tool")
        }
        var inner = request
        inner.path = offer.route.name
        inner.query = ""
        inner.headers = HeaderBlock()
        for field in request.headers.fields where !Self.dropped.contains(field.name) {
            inner.headers.append(field, from: request.headers)
        }
        inner.headers.append(.contentType, "application/json")
        inner.body = ByteBuffer(string: (params["arguments"] ?? [:]).text)
        do {
            let response = try await caller.ask(offer.route, inner)
            return Self.content(String(buffer: response.body), isError: response.status >= 400)
        } catch {
            return Self.content("\(error)", isError: true)
        }
    }

    private static func content(_ text: String, isError: Bool) -> JSONValue {
        ["content": [["type": "text", "text": .string(text)]], "isError": .bool(isError)]
    }

    private static func answer(
        _ id: JSONValue, _ result: Result<JSONValue, Fault>, status: Int = 200
    ) -> LocalResponse {
        var message: JSONValue = ["jsonrpc": "2.0", "id": id]
        switch result {
        case .success(let value): message["result"] = value
        case .failure(let fault):
            message["error"] = ["code": .integer(Int64(fault.code)), "message": .string(fault.message)]
        }
        return .json(message.text, status: status)
    }
}
