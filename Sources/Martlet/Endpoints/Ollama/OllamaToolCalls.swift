import MartletWire

/// Calls of tools, gathered from the pieces in which the chat completions API tells them.
struct OllamaToolCalls: Sendable {
    private struct Call {
        var id = ""
        var name = ""
        var arguments = ""
    }

    private var calls: [(index: JSON, call: Call)] = []

    mutating func take(_ pieces: [JSON]) {
        for (place, piece) in pieces.enumerated() {
            let index = piece["index"] ?? .integer(Int64(place))
            let known = calls.firstIndex { $0.index == index }
            if known == nil { calls.append((index, Call())) }
            let at = known ?? calls.count - 1
            if case .string(let id)? = piece["id"], !id.isEmpty { calls[at].call.id = id }
            if case .string(let name)? = piece["function"]?["name"], !name.isEmpty { calls[at].call.name = name }
            switch piece["function"]?["arguments"] {
            case .string(let more)?: calls[at].call.arguments += more
            case .object(let whole)?: calls[at].call.arguments = JSON.object(whole).text
            default: break
            }
        }
    }

    /// In Ollama's form, where arguments are an object; none: the model called nothing.
    func told() throws(OllamaRefusal) -> [JSON] {
        var told: [JSON] = []
        for (_, call) in calls {
            let text = call.arguments.isEmpty ? "{}" : call.arguments
            guard let arguments = try? JSON.parse(text.utf8), case .object = arguments else {
                throw OllamaRefusal(502, "the model called \(call.name) with arguments that are no JSON object")
            }
            var members: Fields = ["function": ["name": .string(call.name), "arguments": arguments]]
            if !call.id.isEmpty { members["id"] = .string(call.id) }
            told.append(.object(members))
        }
        return told
    }
}
