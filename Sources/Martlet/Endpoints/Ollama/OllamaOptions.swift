import MartletWire

/// What a request of Ollama's asks of a model, in the words of the chat completions API.
enum OllamaOptions {
    /// Those that both call the same.
    private static let common = [
        "temperature", "top_p", "top_k", "min_p", "seed", "presence_penalty", "frequency_penalty",
    ]

    /// `options`, `format` and `think`. What only says how Ollama is to run a model, such as `num_ctx`, is left out.
    static func translated(_ body: JSON) -> Fields {
        var members = sampling(body["options"] ?? .null)
        if let format = answerFormat(body["format"] ?? .null) { members["response_format"] = format }
        switch body["think"] {
        case .bool(let isOn)?: members["chat_template_kwargs"] = ["enable_thinking": .bool(isOn)]
        case .string(let effort)?: members["reasoning_effort"] = .string(effort)
        default: break
        }
        return members
    }

    private static func sampling(_ options: JSON) -> Fields {
        var members: Fields = [:]
        for name in common {
            if let value = options[name], value != .null { members[name] = value }
        }
        if let penalty = options["repeat_penalty"], penalty != .null { members["repetition_penalty"] = penalty }
        // Below one it means that there is no limit.
        if case .integer(let count)? = options["num_predict"], count > 0 { members["max_tokens"] = .integer(count) }
        switch options["stop"] {
        case .string(let stop)?: members["stop"] = [.string(stop)]
        case .array(let stops)? where !stops.isEmpty: members["stop"] = .array(stops)
        default: break
        }
        return members
    }

    /// `json`, or a schema that the answer follows.
    private static func answerFormat(_ format: JSON) -> JSON? {
        switch format {
        case .string("json"): ["type": "json_object"]
        case .object: ["type": "json_schema", "json_schema": ["name": "answer", "schema": format, "strict": true]]
        default: nil
        }
    }
}
