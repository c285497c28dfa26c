public import MartletWire

/// A template of messages: `{name}` stands for a value of the input, `{{` and `}}` for braces.
public struct Prompt: Runnable {
    /// A part of the conversation.
    public enum Part: Sendable {
        case text(Message.Role, String)
        /// Messages of the input, under this name.
        case messages(String)

        public static func system(_ template: String) -> Part { .text(.system, template) }
        public static func human(_ template: String) -> Part { .text(.human, template) }
        public static func ai(_ template: String) -> Part { .text(.ai, template) }
    }

    private enum Piece {
        case text(String)
        case variable(String)
    }

    private let parts: [Part]

    /// One message of the user's.
    public init(_ template: String) { parts = [.human(template)] }
    public init(_ parts: Part...) { self.parts = parts }

    public var name: String { "ChatPromptTemplate" }
    public var kind: RunKind { .prompt }

    public var inputSchema: JSON {
        var names: [String] = []
        var properties: Fields = [:]
        func add(_ name: String, _ schema: JSON) {
            if properties[name] == nil { names.append(name) }
            properties[name] = schema
        }
        for part in parts {
            switch part {
            case .messages(let name):
                add(name, ["title": .string(Schema.title(name)), "type": "array", "items": Message.schema])
            case .text(_, let template):
                for case .variable(let name) in Self.pieces(template) {
                    add(name, ["title": .string(Schema.title(name)), "type": "string"])
                }
            }
        }
        return [
            "title": "PromptInput", "type": "object", "properties": .object(properties),
            "required": .array(names.map { .string($0) }),
        ]
    }

    public func answer(_ input: Fields, _ run: Run) async throws -> PromptValue {
        PromptValue(
            try parts.flatMap { part in
                switch part {
                case .text(let role, let template): [Message(role, .string(try Self.filled(template, input)))]
                case .messages(let name): try Self.value(name, input).decoded(as: [Message].self)
                }
            })
    }

    private static func filled(_ template: String, _ input: Fields) throws -> String {
        try pieces(template).map { piece in
            switch piece {
            case .text(let text): text
            case .variable(let name): try value(name, input).words
            }
        }.joined()
    }

    private static func value(_ name: String, _ input: Fields) throws -> JSON {
        guard let value = input[name] else { throw MissingVariable(name: name) }
        return value
    }

    private static func pieces(_ template: String) -> [Piece] {
        var pieces: [Piece] = []
        var text = ""
        var rest = template[...]
        while let first = rest.popFirst() {
            if first == "{", rest.first != "{", let end = rest.firstIndex(of: "}") {
                if !text.isEmpty { pieces.append(.text(text)) }
                text = ""
                pieces.append(.variable(String(rest[..<end])))
                rest = rest[rest.index(after: end)...]
            } else {
                text.append(first)
                if first == "{" || first == "}", rest.first == first { rest.removeFirst() }
            }
        }
        if !text.isEmpty { pieces.append(.text(text)) }
        return pieces
    }
}

/// A prompt's template names what its input does not have.
public struct MissingVariable: Error, CustomStringConvertible {
    public let name: String
    public var description: String { "the prompt needs `\(name)`" }
}

/// The text of a message, piece by piece as the message comes.
public struct TextOutput: Runnable {
    public init() {}

    public var name: String { "StrOutputParser" }
    public var kind: RunKind { .parser }
    public var outputSchema: JSON { ["title": "StrOutputParserOutput", "type": "string"] }

    public func answer(_ input: Message, _ run: Run) async throws -> String { input.text }

    public func answer(
        _ source: @escaping Source<Message>, _ run: Run, into sink: @escaping Sink<String>
    ) async throws {
        try await source { try await sink($0.text) }
    }
}

/// A message's text as JSON of a type, such as `JSONOutput<Recipe>()`.
public struct JSONOutput<Output: Codable & Sendable>: Runnable {
    public init(_ type: Output.Type = Output.self) {}

    public var name: String { "JsonOutputParser" }
    public var kind: RunKind { .parser }

    /// Models like to put JSON between fences.
    public func answer(_ input: Message, _ run: Run) async throws -> Output {
        let text = input.text
        let starts = text.firstIndex { $0 == "{" || $0 == "[" } ?? text.startIndex
        let ends = text.lastIndex { $0 == "}" || $0 == "]" } ?? text.startIndex
        let inner = starts < ends ? text[starts...ends] : text[...]
        return try JSON.parse(inner.utf8).decoded()
    }
}
