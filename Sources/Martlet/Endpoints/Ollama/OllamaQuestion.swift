import MartletWire

/// A request to `/api/chat` or `/api/generate`, and the one that it means for the model API.
struct OllamaQuestion: Sendable, Equatable {
    /// What its answer looks like.
    enum Form: Sendable {
        case chat, generate
    }

    let form: Form
    /// As its client calls it.
    let model: String
    /// Line by line; else one object.
    let streams: Bool
    /// Where it is asked.
    let path: String
    /// What is asked there, without the name of the model.
    let members: Fields
    /// What the client says of thinking; nil: nothing.
    let thinks: Bool?
    /// It says nothing: Ollama's clients have a model loaded so, or unloaded.
    var isEmpty = false
    let unloads: Bool

    init(chat body: JSON) throws(OllamaRefusal) {
        try self.init(.chat, body, path: "/v1/chat/completions") { (members) throws(OllamaRefusal) in
            guard case .array(let messages) = body["messages"] ?? [] else {
                throw OllamaRefusal(400, "messages must be a list")
            }
            members["messages"] = .array(try OllamaMessages.asked(messages))
            if case .array(let tools)? = body["tools"], !tools.isEmpty { members["tools"] = .array(tools) }
            return messages.isEmpty
        }
    }

    init(generate body: JSON) throws(OllamaRefusal) {
        if case .string(let template)? = body["template"], !template.isEmpty {
            throw OllamaRefusal(400, "template is not taken: a model has its own; with raw the prompt goes as it is")
        }
        let prompt = body["prompt"] ?? ""
        let suffix = body["suffix"] ?? ""
        let hasSuffix = suffix != "" && suffix != .null
        if body["raw"] == true || hasSuffix {
            try self.init(.generate, body, path: "/v1/completions") { members in
                members["prompt"] = prompt
                if hasSuffix { members["suffix"] = suffix }
                return prompt == ""
            }
            return
        }
        try self.init(.generate, body, path: "/v1/chat/completions") { (members) throws(OllamaRefusal) in
            var messages: [JSON] = []
            if case .string(let system)? = body["system"], !system.isEmpty {
                messages.append(["role": "system", "content": .string(system)])
            }
            let content = try OllamaMessages.content(prompt, images: body["images"])
            messages.append(["role": "user", "content": content])
            members["messages"] = .array(messages)
            return content == ""
        }
    }

    /// - Parameter complete: Adds what is asked, and answers whether it is nothing.
    private init(
        _ form: Form, _ body: JSON, path: String, _ complete: (inout Fields) throws(OllamaRefusal) -> Bool
    ) throws(OllamaRefusal) {
        self.form = form
        self.path = path
        model = try Self.model(of: body)
        streams = body["stream"] != false
        thinks = if case .bool(let isOn)? = body["think"] { isOn } else { nil }
        let keepAlive = body["keep_alive"]
        unloads = keepAlive == 0 || keepAlive == "0" || keepAlive == "0s"
        var members = OllamaOptions.translated(body)
        // The times of an answer are known only when it is heard as it comes.
        members["stream"] = true
        members["stream_options"] = ["include_usage": true]
        isEmpty = try complete(&members)
        self.members = members
    }

    /// The name of the model; `name` is how older clients say it.
    static func model(of body: JSON) throws(OllamaRefusal) -> String {
        guard case .object = body else { throw OllamaRefusal(400, "the body must be a JSON object") }
        guard case .string(let model)? = body["model"] ?? body["name"], !model.isEmpty else {
            throw OllamaRefusal(400, "model is required")
        }
        return model
    }
}
