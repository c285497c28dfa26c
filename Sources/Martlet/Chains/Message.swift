public import MartletWire

/// One message of a conversation, in the form that LangChain's clients read.
public struct Message: Sendable, Equatable {
    public enum Role: String, Sendable {
        case system, human, tool
        /// The model's own.
        case ai
    }

    public var role: Role
    /// Text, or a list of parts such as text and images.
    public var content: JSON
    /// All else that is said of it, by LangChain's names, such as `id`, `tool_calls` or `usage_metadata`.
    public var members: Fields
    /// Part of a message that comes in pieces.
    public var isPiece = false

    public init(_ role: Role, _ content: JSON, members: Fields = [:]) {
        self.role = role
        self.content = content
        self.members = members
    }

    public static func system(_ text: String) -> Message { Message(.system, .string(text)) }
    public static func human(_ text: String) -> Message { Message(.human, .string(text)) }
    public static func ai(_ text: String) -> Message { Message(.ai, .string(text)) }

    /// What it says, without its other parts.
    public var text: String {
        guard case .array(let parts) = content else { return content.words }
        return parts.compactMap { part in
            if case .string(let text) = part { return text }
            return part["text"]?.words
        }.joined()
    }
}

extension Message: Codable, Joinable, HasSchema {
    /// Members that a message always has, besides `content` and `type`.
    private static let always: Fields = [
        "additional_kwargs": [:], "response_metadata": [:], "name": .null, "id": .null,
    ]
    private static let ofModels: Fields = ["tool_calls": [], "invalid_tool_calls": [], "usage_metadata": .null]
    private static let ofPieces: Fields = ["tool_call_chunks": [], "chunk_position": .null]

    private var type: String { role == .ai && isPiece ? "AIMessageChunk" : role.rawValue }

    public func encode(to encoder: any Encoder) throws {
        var all = Self.always
        if role == .ai { all.merge(Self.ofModels) { $1 } }
        if role == .ai, isPiece { all.merge(Self.ofPieces) { $1 } }
        all.merge(members) { $1 }
        all["content"] = content
        all["type"] = .string(type)
        try all.encode(to: encoder)
    }

    /// Reads LangChain's form, and OpenAI's, which says `role` instead of `type`.
    public init(from decoder: any Decoder) throws {
        var members = try Fields(from: decoder)
        let said = members.removeValue(forKey: "type") ?? members["role"]
        members["role"] = nil
        guard let content = members.removeValue(forKey: "content"), case .string(let word)? = said,
            let (role, isPiece) = Self.role(word)
        else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "a message has `type` and `content`"))
        }
        self.init(role, content, members: members)
        self.isPiece = isPiece
    }

    private static func role(_ word: String) -> (Role, isPiece: Bool)? {
        let plain = word.hasSuffix("MessageChunk") ? String(word.dropLast("MessageChunk".count)).lowercased() : word
        let isPiece = plain != word
        switch plain {
        case "user", "human": return (.human, isPiece)
        case "assistant", "ai": return (.ai, isPiece)
        default: return Role(rawValue: plain).map { ($0, isPiece) }
        }
    }

    public func joined(with next: Message) -> Message {
        var whole = self
        whole.content = content == .null ? next.content : content.joined(with: next.content)
        whole.members = members.merging(next.members) { first, second in
            switch (first, second) {
            case (.string, _): first
            case (.array(let first), .array(let second)): .array(ToolCalls.joined(first, second))
            case (_, .null): first
            default: second
            }
        }
        return whole
    }

    public static var schema: JSON {
        [
            "title": "Message", "type": "object", "required": ["content", "type"],
            "properties": [
                "content": ["title": "Content", "anyOf": [["type": "string"], ["type": "array", "items": [:]]]],
                "type": ["title": "Type", "enum": ["human", "ai", "system", "tool"]],
            ],
        ]
    }
}

/// What a prompt gives and a chat model takes: a conversation so far.
public struct PromptValue: Sendable, Equatable, Codable, HasSchema, ExpressibleByStringLiteral {
    public var messages: [Message]

    public init(_ messages: [Message]) { self.messages = messages }
    public init(stringLiteral text: String) { messages = [.human(text)] }

    /// Reads what LangChain's clients send: text, messages, or a prompt's value.
    public init(from decoder: any Decoder) throws {
        let value = try JSON(from: decoder)
        switch value {
        case .string(let text): messages = [.human(text)]
        case .array: messages = try value.decoded()
        case .object:
            if case .string(let text)? = value["text"] {
                messages = [.human(text)]
            } else {
                messages = try (value["messages"] ?? .null).decoded()
            }
        default:
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "a prompt is text or messages"))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        let value: JSON = ["messages": try JSON(of: messages), "type": "ChatPromptValueConcrete"]
        try value.encode(to: encoder)
    }

    public static var schema: JSON {
        let messages: JSON = ["type": "array", "items": Message.schema]
        return ["title": "Prompt", "anyOf": [["type": "string"], messages, ["type": "object"]]]
    }
}
