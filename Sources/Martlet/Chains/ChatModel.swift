import Foundation
import MartletGateway
public import MartletWire
import NIOCore

/// A chat model that the server has: one of its `models`, or of its workers. Its calls go through the dispatcher, with
/// its queues, time-outs and retries; who leaves calls them off.
public struct ChatModel: Runnable {
    private static let path = "/v1/chat/completions"
    /// What a client may configure, where the chain lets it.
    private static let choosable: Fields = [
        "model": ["type": "string"], "temperature": ["type": "number"], "max_tokens": ["type": "integer"],
        "top_p": ["type": "number"], "seed": ["type": "integer"],
    ]

    /// Of `models`, as clients of the server call it.
    public let model: String
    private let parameters: Fields
    public let configurable: Fields

    /// - Parameters:
    ///   - parameters: Further members of the request, such as `["temperature": 0, "max_tokens": 100]`.
    ///   - configurable: Which of `model`, `temperature`, `max_tokens`, `top_p` and `seed` a client may set in its
    ///     configuration.
    public init(_ model: String, _ parameters: Fields = [:], configurable: Set<String> = []) {
        self.model = model
        self.parameters = parameters
        self.configurable = Self.choosable.filter { configurable.contains($0.key) }
    }

    public var kind: RunKind { .chatModel }
    public var inputSchema: JSON { titled(PromptValue.schema, "\(name)_input") }

    private func titled(_ schema: JSON, _ title: String) -> JSON {
        var schema = schema
        schema["title"] = .string(title)
        return schema
    }

    public func answer(_ input: PromptValue, _ run: Run) async throws -> Message {
        try await run.models().post(Self.path, request(input, run, streams: false)) { body in
            let answer = try await Self.whole(body)
            guard case .array(let choices)? = answer["choices"], let message = choices.first?["message"] else {
                throw ModelError(status: 502, code: "upstream_malformed", message: "the answer is no chat completion")
            }
            var members = Self.members(answer, of: run)
            members["response_metadata"] = [
                "model_name": answer["model"] ?? .string(model), "finish_reason": choices[0]["finish_reason"] ?? .null,
            ]
            if case .array(let calls)? = message["tool_calls"] {
                members["tool_calls"] = .array(ToolCalls.whole(calls))
            }
            let content = message["content"] ?? .null
            return Message(.ai, content == .null ? "" : content, members: members)
        }
    }

    public func answer(
        _ source: @escaping Source<PromptValue>, _ run: Run, into sink: @escaping Sink<Message>
    ) async throws {
        guard let input = try await gathered(source) else { return }
        try await run.models().post(Self.path, request(input, run, streams: true)) { body in
            for try await event in ModelEvents(body) {
                if let error = event["error"] {
                    throw ModelError(
                        status: 502, code: error["code"]?.words ?? "", message: error["message"]?.words ?? "")
                }
                if let piece = Self.piece(event, of: run) { try await sink(piece) }
            }
        }
    }

    // MARK: Between the two forms

    private func request(_ input: PromptValue, _ run: Run, streams: Bool) throws -> JSON {
        var request = parameters
        request["model"] = .string(model)
        for name in configurable.keys { run.configurable[name].map { request[name] = $0 } }
        request["messages"] = .array(input.messages.map(\.asAsked))
        if streams { request["stream"] = true }
        return .object(request)
    }

    private static func piece(_ event: JSON, of run: Run) -> Message? {
        var members = members(event, of: run)
        guard case .array(let choices)? = event["choices"], let delta = choices.first?["delta"] else {
            return event["usage"] == nil ? nil : piece("", members)
        }
        let text = delta["content"] ?? .null
        if case .array(let calls)? = delta["tool_calls"] {
            members["tool_call_chunks"] = .array(ToolCalls.pieces(calls))
        } else if text == .null || text == "" {
            return nil
        }
        return piece(text == .null ? "" : text, members)
    }

    private static func piece(_ text: JSON, _ members: Fields) -> Message {
        var piece = Message(.ai, text, members: members)
        piece.isPiece = true
        return piece
    }

    private static func members(_ answer: JSON, of run: Run) -> Fields {
        var members: Fields = ["id": .string("run-\(run.id.text)")]
        if let usage = answer["usage"], usage != .null {
            members["usage_metadata"] = [
                "input_tokens": usage["prompt_tokens"] ?? 0, "output_tokens": usage["completion_tokens"] ?? 0,
                "total_tokens": usage["total_tokens"] ?? 0,
            ]
        }
        return members
    }

    static func whole(_ body: InnerBody) async throws -> JSON {
        try JSON.parse(try await bytes(body).readableBytesView)
    }

    static func bytes(_ body: InnerBody, limit: Int = 64 << 20) async throws -> ByteBuffer {
        var bytes = ByteBuffer()
        for try await piece in body {
            bytes.writeImmutableBuffer(piece)
            guard bytes.readableBytes <= limit else {
                throw ModelError(status: 502, code: "upstream_malformed", message: "the answer is too long")
            }
        }
        return bytes
    }
}

/// A model that turns texts into vectors. Called as a ``ChatModel`` is.
public struct EmbeddingModel: Runnable {
    public let model: String

    public init(_ model: String) { self.model = model }

    public var kind: RunKind { .embeddings }

    public func answer(_ input: [String], _ run: Run) async throws -> [[Float]] {
        let request: JSON = ["model": .string(model), "input": .array(input.map { .string($0) })]
        return try await run.models().post("/v1/embeddings", request) { body in
            guard case .array(let rows)? = try await ChatModel.whole(body)["data"], rows.count == input.count else {
                throw ModelError(status: 502, code: "upstream_malformed", message: "the answer is no list of vectors")
            }
            return try rows.map { try ($0["embedding"] ?? .null).decoded() }
        }
    }
}

extension Run {
    fileprivate func models() throws -> Dispatch {
        guard let dispatch else {
            throw ModelError(status: 503, code: "no_server", message: "models are asked within Martlet.serve alone")
        }
        return dispatch
    }
}

extension Message {
    /// In OpenAI's form.
    fileprivate var asAsked: JSON {
        var asked: Fields = ["content": content]
        switch role {
        case .human: asked["role"] = "user"
        case .ai: asked["role"] = "assistant"
        case .system, .tool: asked["role"] = .string(role.rawValue)
        }
        if let id = members["tool_call_id"] { asked["tool_call_id"] = id }
        if case .string(let name)? = members["name"] { asked["name"] = .string(name) }
        if case .array(let calls)? = members["tool_calls"], !calls.isEmpty {
            asked["tool_calls"] = .array(ToolCalls.told(calls))
        }
        return .object(asked)
    }
}
