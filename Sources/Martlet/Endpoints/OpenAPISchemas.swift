import Foundation
import MartletWire

/// The schemas of a document: those of several apps, each a whole of its own, whose definitions become one list.
struct OpenAPISchemas {
    private static let place = "#/components/schemas/"
    private static let definitionsPlace = "#/$defs/"

    /// By name.
    private(set) var all: [String: JSONValue] = [:]

    /// The schema with its definitions among the document's, wherever in it they stood, and every reference in it
    /// leading there.
    ///
    /// - Parameter owner: For a name that means something else elsewhere.
    mutating func place(_ schema: JSONValue, of owner: String) -> JSONValue {
        var definitions: [String: JSONValue] = [:]
        var refersToItself = false
        Self.visit(schema) { members in
            if case .object(let found)? = members["$defs"] { definitions.merge(found) { own, _ in own } }
            if case .string(let text)? = members["$ref"] {
                refersToItself = refersToItself || text == "#" || text.hasPrefix("#/") && !text.hasPrefix("#/$defs/")
            }
        }
        var names: [String: String] = [:]
        for (name, definition) in definitions.sorted(by: { $0.key < $1.key }) {
            names[name] = free(name, for: definition, of: owner, besides: names.values)
        }
        let root = refersToItself ? free("\(owner)_body", for: schema, of: owner, besides: names.values) : nil
        for (name, definition) in definitions {
            all[names[name] ?? name] = Self.moved(definition, names, root)
        }
        let moved = Self.moved(schema, names, root)
        guard let root else { return moved }
        all[root] = moved
        return ["$ref": .string(Self.place + root)]
    }

    /// A name for a definition: its own, unless that is another one's already.
    private func free(
        _ name: String, for definition: JSONValue, of owner: String, besides taken: some Collection<String>
    ) -> String {
        let plain = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" })
        let isFree = { (name: String) in !taken.contains(name) && (all[name] == nil || all[name] == definition) }
        let candidates = [plain, "\(owner).\(plain)"] + (2...99).map { "\(owner).\(plain)_\($0)" }
        return candidates.first(where: isFree) ?? plain
    }

    private static func visit(_ schema: JSONValue, _ look: ([String: JSONValue]) -> Void) {
        switch schema {
        case .array(let values): for value in values { visit(value, look) }
        case .object(let members):
            look(members)
            for value in members.values { visit(value, look) }
        default: break
        }
    }

    /// Without its definitions, its references changed. Other texts that look like references stay.
    private static func moved(_ schema: JSONValue, _ names: [String: String], _ root: String?) -> JSONValue {
        switch schema {
        case .array(let values): return .array(values.map { moved($0, names, root) })
        case .object(var members):
            if case .object? = members["$defs"] { members["$defs"] = nil }
            for (key, value) in members {
                switch (key, value) {
                case ("$ref", .string(let text)): members[key] = .string(moved(text, names, root))
                case ("mapping", .object(let mapping)):
                    members[key] = .object(mapping.mapValues { value in
                        if case .string(let text) = value { .string(moved(text, names, root)) } else { value }
                    })
                default: members[key] = moved(value, names, root)
                }
            }
            return .object(members)
        default: return schema
        }
    }

    private static func moved(_ reference: String, _ names: [String: String], _ root: String?) -> String {
        guard reference.hasPrefix(definitionsPlace) else {
            guard let root, reference == "#" || reference.hasPrefix("#/") else { return reference }
            return place + root + reference.dropFirst()
        }
        let path = reference.dropFirst(definitionsPlace.count)
        let name = String(path.prefix { $0 != "/" })
        let written = name.replacing("~1", with: "/").replacing("~0", with: "~")
        let known = names[name] ?? names[written] ?? names[written.removingPercentEncoding ?? written]
        return place + (known ?? name) + path.dropFirst(name.count)
    }
}
