import MartletWire

/// The schemas of a document: those of several APIs, each a whole of its own, whose definitions become one list.
struct OpenAPISchemas {
    private static let place = "#/components/schemas/"

    /// A definition with all that it refers to.
    private struct Meaning: Hashable {
        let name: String
        let parts: [String: JSONValue]
    }

    /// By name.
    private(set) var all: [String: JSONValue] = [:]
    /// The names by what they mean: what several schemas bring, of one name and one meaning, is there once.
    private var known: [Meaning: String] = [:]

    /// The schema with its definitions among the document's, wherever in it they stood, and every reference in it
    /// leading there.
    ///
    /// - Parameter owner: For a name that means something else elsewhere.
    mutating func place(_ schema: JSONValue, of owner: String) -> JSONValue {
        let parts = SchemaParts(schema)
        guard !parts.refersToItself else { return place(schema, as: "\(owner)_body", of: owner) }
        return parts.moved("", to: placeDefinitions(of: parts, [:], owner), below: Self.place)
    }

    /// The schema as one of the document's own: a reference to it, or itself where it says nothing.
    mutating func place(_ schema: JSONValue, as name: String, of owner: String) -> JSONValue {
        guard schema != [:] else { return schema }
        let parts = SchemaParts(schema)
        let (whole, isNew) = reserve(name, parts.meaning(of: ""), owner)
        if isNew {
            let names = placeDefinitions(of: parts, ["": whole], owner)
            all[whole] = parts.moved("", to: names, below: Self.place)
        }
        return ["$ref": .string(Self.place + whole)]
    }

    /// Puts those that are new among the document's.
    ///
    /// - Returns: what every part is called there; `names` are those that are known.
    private mutating func placeDefinitions(
        of parts: SchemaParts, _ names: [String: String], _ owner: String
    ) -> [String: String] {
        var names = names
        var new: [(part: String, name: String)] = []
        for part in parts.names {
            let (name, isNew) = reserve(part, parts.meaning(of: part), owner)
            names[part] = name
            if isNew { new.append((part, name)) }
        }
        for (part, name) in new { all[name] = parts.moved(part, to: names, below: Self.place) }
        return names
    }

    /// A name for a definition: its own, unless that is another one's already.
    private mutating func reserve(
        _ name: String, _ parts: [String: JSONValue], _ owner: String
    ) -> (name: String, isNew: Bool) {
        let meaning = Meaning(name: name, parts: parts)
        if let known = known[meaning] { return (known, false) }
        let plain = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" })
        let candidates = [plain, "\(owner).\(plain)"] + (2...99).map { "\(owner).\(plain)_\($0)" }
        let free = candidates.first { all[$0] == nil } ?? plain
        known[meaning] = free
        all[free] = [:]
        return (free, true)
    }
}
