import Logging
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletTelemetry
import MartletWire
import NIOCore

/// `/mcp`: the models that are served, and what this process can do itself, as tools of the Model Context Protocol.
///
/// Its "streamable HTTP" without sessions: each POST carries one JSON-RPC message and has a JSON answer. Nothing is
/// told to clients of our own accord, so there is no stream to open. A client that leaves calls its tool off.
final class MCPEndpoint: LocalHandler {
    /// What went wrong, as JSON-RPC numbers it.
    private struct Fault: Error {
        let code: Int
        let message: String
    }

    /// The newest first, which is offered where a client's own is none of these.
    private static let versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]

    private let tools: [MCPTool]
    private let own: [any LocalTool]
    private let caller: InnerCaller
    private let logger: Logger

    /// - Parameter own: Tools of this process. One whose name a model has already is not offered.
    init(_ tools: [MCPTool], own: [any LocalTool] = [], caller: InnerCaller, logger: Logger) {
        self.tools = tools
        self.own = own.filter { tool in !tools.contains { $0.name == tool.name } }
        self.caller = caller
        self.logger = logger
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        guard RequestOrigin.isOwn(request.headers) else {
            return Self.refusal("pages of other sites may not call tools", status: 403)
        }
        do throws(MartletError) {
            try request.must(be: .post)
        } catch {
            var response = Self.refusal(error.cause, status: error.code.status)
            response.headers = error.headers
            return response
        }
        if let type = request.headers.value(.contentType), !Self.isJSON(type) {
            return Self.refusal("messages are application/json", status: 415)
        }
        if let version = request.headers.value(named: "mcp-protocol-version"), !Self.versions.contains(version) {
            return Self.refusal("this version of the protocol is not spoken here", status: 400)
        }
        return try await answer(request)
    }

    private func answer(_ request: LocalRequest) async throws -> LocalResponse {
        guard let message = try? JSON.parse(request.body.readableBytesView) else {
            return Self.answer(.null, .failure(Fault(code: -32700, message: "this is no JSON")), status: 400)
        }
        guard case .string(let method)? = message["method"] else {
            return Self.answer(.null, .failure(Fault(code: -32600, message: "one request at a time")), status: 400)
        }
        guard let id = message["id"] else {
            return LocalResponse(status: 202, contentType: "application/json", body: ByteBuffer())
        }
        do {
            return Self.answer(id, .success(try await result(method, message["params"] ?? [:], request)))
        } catch let fault as Fault {
            return Self.answer(id, .failure(fault))
        }
    }

    private func result(_ method: String, _ params: JSONValue, _ request: LocalRequest) async throws -> JSONValue {
        switch method {
        case "initialize":
            var version = Self.versions[0]
            if case .string(let own)? = params["protocolVersion"], Self.versions.contains(own) { version = own }
            return [
                "protocolVersion": .string(version), "capabilities": ["tools": ["listChanged": false]],
                "serverInfo": ["name": "martlet", "version": .string(BuildInfo.current.version)],
            ]
        case "ping": return [:]
        case "tools/list": return ["tools": .array(tools.map(\.description) + own.map(\.description))]
        case "tools/call": return try await call(params, request)
        default: throw Fault(code: -32601, message: "there is no such method")
        }
    }

    private func call(_ params: JSONValue, _ request: LocalRequest) async throws -> JSONValue {
        let arguments = params["arguments"] ?? [:]
        guard case .object = arguments else { throw Fault(code: -32602, message: "arguments are an object") }
        if let tool = tools.first(where: { .string($0.name) == params["name"] }) {
            return try await ask(tool, arguments, request)
        }
        guard let tool = own.first(where: { .string($0.name) == params["name"] }) else {
            throw Fault(code: -32602, message: "there is no such tool")
        }
        let (text, isError) = try await tool.call(arguments)
        return Self.content(text, isError: isError)
    }

    /// Asks the model as any client would. That it fails is the tool's result, which the assistant reads.
    private func ask(_ tool: MCPTool, _ arguments: JSONValue, _ request: LocalRequest) async throws -> JSONValue {
        do {
            let response = try await caller.ask(
                tool.model.route, request.asking(tool.model, ByteBuffer(string: arguments.text)))
            guard response.status < 400 else { return Self.content(ErrorText.message(in: response), isError: true) }
            return Self.content(String(buffer: response.body), isError: false)
        } catch let error as MartletError {
            logger.warning("a tool was not answered", metadata: ["tool": "\(tool.name)", "error": "\(error)"])
            return Self.content(error.code.sentence, isError: true)
        }
    }

    private static func isJSON(_ type: String) -> Bool {
        type.lowercased().prefix { $0 != ";" && $0 != " " } == "application/json"
    }

    private static func content(_ text: String, isError: Bool) -> JSONValue {
        ["content": [["type": "text", "text": .string(text)]], "isError": .bool(isError)]
    }

    private static func refusal(_ message: String, status: Int) -> LocalResponse {
        answer(.null, .failure(Fault(code: -32600, message: message)), status: status)
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
