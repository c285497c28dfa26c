import MartletWire

/// A conversation in Ollama's form, told as the chat completions API wants it.
struct OllamaMessages {
    /// Calls of tools that have no answer yet: Ollama's clients need not number them, the other form must.
    private var calls: [(id: String, name: String)] = []
    private var callCount = 0

    static func asked(_ messages: [JSON]) throws(OllamaRefusal) -> [JSON] {
        var translator = OllamaMessages()
        var asked: [JSON] = []
        for message in messages { asked.append(try translator.asked(message)) }
        return asked
    }

    /// Text, and images as Ollama has them: base64 without a word of what they are.
    static func content(_ text: JSON, images: JSON?) throws(OllamaRefusal) -> JSON {
        guard case .array(let images)? = images, !images.isEmpty else { return text == .null ? "" : text }
        var parts: [JSON] = text == .null || text == "" ? [] : [["type": "text", "text": text]]
        for image in images {
            guard case .string(let bytes) = image else { throw OllamaRefusal(400, "an image is text in base64") }
            let url = bytes.hasPrefix("data:") ? bytes : "data:\(Self.mediaType(bytes));base64,\(bytes)"
            parts.append(["type": "image_url", "image_url": ["url": .string(url)]])
        }
        return .array(parts)
    }

    private mutating func asked(_ message: JSON) throws(OllamaRefusal) -> JSON {
        guard case .string(let role)? = message["role"] else { throw OllamaRefusal(400, "a message has a role") }
        var asked: Fields = ["role": .string(role)]
        asked["content"] = try Self.content(message["content"] ?? "", images: message["images"])
        if case .string(let thinking)? = message["thinking"], !thinking.isEmpty {
            asked["reasoning_content"] = .string(thinking)
        }
        if case .array(let made)? = message["tool_calls"], !made.isEmpty { asked["tool_calls"] = .array(told(made)) }
        if role == "tool" { asked["tool_call_id"] = .string(answered(message)) }
        return .object(asked)
    }

    private mutating func told(_ made: [JSON]) -> [JSON] {
        made.map { call in
            callCount += 1
            let name = call["function"]?["name"]?.words ?? ""
            var id = "call_\(callCount)"
            if case .string(let own)? = call["id"], !own.isEmpty { id = own }
            calls.append((id, name))
            let arguments = call["function"]?["arguments"] ?? [:]
            return [
                "id": .string(id), "type": "function",
                "function": ["name": .string(name), "arguments": .string(arguments.words)],
            ]
        }
    }

    /// The call that a tool's message answers: the one it names, else the first of that tool, else the first.
    private mutating func answered(_ message: JSON) -> String {
        if case .string(let id)? = message["tool_call_id"], !id.isEmpty {
            calls.removeAll { $0.id == id }
            return id
        }
        let name = (message["tool_name"] ?? message["name"])?.words
        guard let place = calls.firstIndex(where: { $0.name == name }) ?? calls.indices.first else { return "call_0" }
        return calls.remove(at: place).id
    }

    /// By the first bytes, as base64 has them.
    private static func mediaType(_ base64: String) -> String {
        let kinds = [
            ("/9j/", "image/jpeg"), ("iVBOR", "image/png"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp"),
        ]
        return kinds.first { base64.hasPrefix($0.0) }?.1 ?? "image/png"
    }
}
