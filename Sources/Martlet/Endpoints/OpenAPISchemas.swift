import MartletWire

/// The schemas of a document: those of several APIs, each a whole of its own, whose definitions become one list.
struct OpenAPISchemas {
    private static let place = "#/components/schemas/"

    /// Definitions that a schema may have: what an app says of itself is not ours.
    static let mostDefinitions = 1000
    /// Of one name and text, but with other references: so many are told from each other. A further one is there again.
    private static let mostMeanings = 16
    /// Other schemas that one is compared with.
    private static let mostCompared = 64

    /// What a definition says itself. What it refers to is looked at only where another one says the same.
    private struct Saying: Hashable {
        let name: String
        /// In its schema; empty for the whole.
        let part: String
        let text: JSONValue
    }

    /// A schema that is being placed, and how it differs from those that are there.
    private struct Coming {
        let parts: SchemaParts
        private var differing: [Int: Set<String>] = [:]

        init(_ parts: SchemaParts) { self.parts = parts }

        /// - Parameter number: Of `other`.
        mutating func means(_ part: String, as other: SchemaParts, _ number: Int) -> Bool {
            if let found = differing[number] { return !found.contains(part) }
            guard differing.count < OpenAPISchemas.mostCompared else { return false }
            let found = parts.differing(from: other)
            differing[number] = found
            return !found.contains(part)
        }
    }

    /// By name.
    private(set) var all: [String: JSONValue] = [:]
    /// Owners of schemas that have too many definitions: those are taken for ones that say nothing.
    private(set) var leftOpen: Set<String> = []
    /// What several schemas bring, of one name and one meaning, is there once: its name, and the schema it came with.
    private var known: [Saying: [(name: String, source: Int)]] = [:]
    private var sources: [SchemaParts] = []
    /// The number that the next one gets for whom a name is taken.
    private var numbers: [String: Int] = [:]

    /// The schema with its definitions among the document's, wherever in it they stood, and every reference in it
    /// leading there.
    ///
    /// - Parameter owner: For a name that means something else elsewhere.
    mutating func place(_ schema: JSONValue, of owner: String) -> JSONValue {
        guard let parts = parts(schema, owner) else { return [:] }
        guard !parts.refersToItself else { return place(parts, as: "\(owner)_body", of: owner) }
        var coming = Coming(parts)
        let names = placeDefinitions(of: &coming, [:], owner)
        sources.append(parts)
        return parts.moved("", to: names, below: Self.place)
    }

    /// The schema as one of the document's own: a reference to it, or itself where it says nothing.
    mutating func place(_ schema: JSONValue, as name: String, of owner: String) -> JSONValue {
        guard schema != [:], let parts = parts(schema, owner) else { return [:] }
        return place(parts, as: name, of: owner)
    }

    private mutating func place(_ parts: SchemaParts, as name: String, of owner: String) -> JSONValue {
        var coming = Coming(parts)
        let (whole, isNew) = reserve(name, "", of: &coming, owner)
        if isNew {
            let names = placeDefinitions(of: &coming, ["": whole], owner)
            all[whole] = parts.moved("", to: names, below: Self.place)
            sources.append(parts)
        }
        return ["$ref": .string(Self.place + whole)]
    }

    /// nil: it has too many definitions.
    private mutating func parts(_ schema: JSONValue, _ owner: String) -> SchemaParts? {
        let parts = SchemaParts(schema)
        guard parts.names.count > Self.mostDefinitions else { return parts }
        leftOpen.insert(owner)
        return nil
    }

    /// Puts those that are new among the document's.
    ///
    /// - Returns: what every part is called there; `names` are those that are known.
    private mutating func placeDefinitions(
        of coming: inout Coming, _ names: [String: String], _ owner: String
    ) -> [String: String] {
        var names = names
        var new: [(part: String, name: String)] = []
        for part in coming.parts.names {
            let (name, isNew) = reserve(part, part, of: &coming, owner)
            names[part] = name
            if isNew { new.append((part, name)) }
        }
        for (part, name) in new { all[name] = coming.parts.moved(part, to: names, below: Self.place) }
        return names
    }

    /// A name for a part: its own, unless that is another one's already. The schema that it comes with is the next of
    /// `sources`.
    private mutating func reserve(
        _ name: String, _ part: String, of coming: inout Coming, _ owner: String
    ) -> (name: String, isNew: Bool) {
        let saying = Saying(name: name, part: part, text: coming.parts[part])
        let alike = known[saying] ?? []
        for other in alike where coming.means(part, as: sources[other.source], other.source) {
            return (other.name, false)
        }
        let free = freeName(name, owner)
        if alike.count < Self.mostMeanings { known[saying, default: []].append((free, sources.count)) }
        all[free] = [:]
        return (free, true)
    }

    private mutating func freeName(_ name: String, _ owner: String) -> String {
        let plain = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" })
        guard all[plain] != nil else { return plain }
        let owned = "\(owner).\(plain)"
        var free = owned
        while all[free] != nil {
            let number = numbers[owned] ?? 2
            free = "\(owned)_\(number)"
            numbers[owned] = number + 1
        }
        return free
    }
}
