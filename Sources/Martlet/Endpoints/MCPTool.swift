import MartletWire
import MartletWorkers

/// A model as assistants see it.
struct MCPTool: Sendable {
    /// As the protocol allows them.
    private static let longestName = 64

    let name: String
    let model: ServedModel

    /// The app says how the tool is called, and another one that comes before it has that name.
    var isRenamed: Bool { model.api.tool.map { $0.name != name } ?? false }

    /// Every model that is not kept from assistants. An app that says how a tool is called is believed;
    /// the others are called like their models. Of several of one name the first keeps it, in the order of the
    /// configuration, and before those whose apps say nothing; the next get a number.
    static func all(_ models: [ServedModel]) -> [MCPTool] {
        let offered = models.filter(\.api.isTool)
        let names = names(offered.map { (stated: $0.api.tool?.name, model: $0.name) })
        return zip(names, offered).map { MCPTool(name: $0, model: $1) }
    }

    static func names(_ tools: [(stated: String?, model: String)]) -> [String] {
        let stated = Set(tools.compactMap(\.stated))
        var taken: Set<String> = []
        return tools.map { tool in
            let wanted = tool.stated ?? plain(tool.model)
            var (name, number) = (wanted, 2)
            while taken.contains(name) || name != tool.stated && stated.contains(name) {
                name = "\(wanted.prefix(longestName - 4))_\(number)"
                number += 1
            }
            taken.insert(name)
            return name
        }
    }

    private static func plain(_ name: String) -> String {
        String(
            name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) ? $0 : "_" }
                .prefix(longestName))
    }

    /// An entry of `tools/list`.
    var description: JSONValue {
        var schema = model.api.tool?.schema ?? model.api.requestSchema ?? [:]
        if schema["type"] == nil { schema["type"] = "object" }
        // A model that takes something else than an object is told what the assistant says, and judges.
        if schema["type"] != "object" { schema = ["type": "object"] }
        return [
            "name": .string(name), "inputSchema": schema,
            "description": .string(model.api.tool?.description ?? "The model served at \(model.api.path)."),
        ]
    }
}
