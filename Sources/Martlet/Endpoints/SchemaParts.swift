import Foundation
import MartletWire

/// A schema taken apart: its definitions, wherever in it they stand, and itself, under the empty name.
struct SchemaParts {
    private static let definitionsPlace = "#/$defs/"

    private let all: [String: JSONValue]
    /// The parts that each of them refers to.
    private var references: [String: Set<String>] = [:]

    init(_ schema: JSONValue) {
        var found: [String: JSONValue] = [:]
        Self.visit(schema) { members in
            if case .object(let definitions)? = members["$defs"] { found.merge(definitions) { own, _ in own } }
        }
        found[""] = schema
        all = found
        references = found.mapValues { targets(in: $0) }
    }

    /// Of the definitions, in order.
    var names: [String] { all.keys.filter { !$0.isEmpty }.sorted() }

    /// Whether something in it means all of it.
    var refersToItself: Bool { references[""]?.contains("") ?? false }

    /// As it stands, definitions in it included.
    subscript(name: String) -> JSONValue { all[name] ?? [:] }

    /// The parts that mean something else in `other`: they, or what they refer to, however far. Takes as long as there
    /// are references, not as each part has by way of others.
    func differing(from other: SchemaParts) -> Set<String> {
        var referrers: [String: [String]] = [:]
        for (name, targets) in references {
            for target in targets { referrers[target, default: []].append(name) }
        }
        var found = Set(all.keys).union(referrers.keys).filter { all[$0] != other.all[$0] }
        var waiting = Array(found)
        while let next = waiting.popLast() {
            for name in referrers[next] ?? [] where found.insert(name).inserted { waiting.append(name) }
        }
        return found
    }

    /// A part without definitions in it, its references leading to `names` below `place`. Other texts that look like
    /// references stay.
    func moved(_ name: String, to names: [String: String], below place: String) -> JSONValue {
        moved(all[name] ?? [:]) { reference in
            guard let (part, rest) = target(of: reference) else { return reference }
            // The whole is the document's only where something in it means it.
            guard let name = names[part] ?? (part.isEmpty ? nil : part) else { return reference }
            return place + name + rest
        }
    }

    private func moved(_ schema: JSONValue, _ change: (String) -> String) -> JSONValue {
        switch schema {
        case .array(let values): return .array(values.map { moved($0, change) })
        case .object(var members):
            if case .object? = members["$defs"] { members["$defs"] = nil }
            for (key, value) in members {
                switch (key, value) {
                case ("$ref", .string(let text)): members[key] = .string(change(text))
                case ("mapping", .object(let mapping)):
                    members[key] = .object(mapping.mapValues { value in
                        if case .string(let text) = value { .string(change(text)) } else { value }
                    })
                default: members[key] = moved(value, change)
                }
            }
            return .object(members)
        default: return schema
        }
    }

    // MARK: References

    private func targets(in schema: JSONValue) -> Set<String> {
        var found: Set<String> = []
        Self.visit(schema) { members in
            if case .string(let text)? = members["$ref"], let (part, _) = target(of: text) { found.insert(part) }
        }
        return found
    }

    /// The part to which a reference leads, and its way from there on; nil: it leads out of the schema.
    private func target(of reference: String) -> (part: String, rest: Substring)? {
        guard reference.hasPrefix(Self.definitionsPlace) else {
            return reference == "#" || reference.hasPrefix("#/") ? ("", reference.dropFirst()) : nil
        }
        let path = reference.dropFirst(Self.definitionsPlace.count)
        let name = String(path.prefix { $0 != "/" })
        let written = name.replacing("~1", with: "/").replacing("~0", with: "~")
        let known = [name, written, written.removingPercentEncoding ?? written].first { all[$0] != nil }
        return (known ?? name, path.dropFirst(name.count))
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
}
