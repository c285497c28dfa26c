import MartletWire

/// Calls of tools, between OpenAI's form and LangChain's.
enum ToolCalls {
    /// Of a whole message of a model.
    static func whole(_ calls: [JSON]) -> [JSON] {
        calls.map { call in
            let arguments = call["function"]?["arguments"]?.words ?? "{}"
            return [
                "name": call["function"]?["name"] ?? "",
                "args": (try? JSON.parse(arguments.utf8)) ?? .string(arguments), "id": call["id"] ?? .null,
                "type": "tool_call",
            ]
        }
    }

    /// Of a piece of one.
    static func pieces(_ calls: [JSON]) -> [JSON] {
        calls.map { call in
            [
                "name": call["function"]?["name"] ?? .null, "args": call["function"]?["arguments"] ?? .null,
                "id": call["id"] ?? .null, "index": call["index"] ?? 0, "type": "tool_call_chunk",
            ]
        }
    }

    /// As a model is told what it called before.
    static func told(_ calls: [JSON]) -> [JSON] {
        calls.map { call in
            [
                "id": call["id"] ?? .null, "type": "function",
                "function": ["name": call["name"] ?? "", "arguments": .string((call["args"] ?? [:]).text)],
            ]
        }
    }

    /// Pieces of one call are put together, by their index; all else follows in order.
    static func joined(_ first: [JSON], _ second: [JSON]) -> [JSON] {
        second.reduce(into: first) { all, next in
            guard let index = next["index"], let place = all.firstIndex(where: { $0["index"] == index }) else {
                return all.append(next)
            }
            if case .string(let more)? = next["args"] {
                all[place]["args"] = .string((all[place]["args"] ?? .null) == .null
                    ? more : (all[place]["args"]?.words ?? "") + more)
            }
        }
    }
}
