/// One key of `martlet.yaml`.
package struct ConfigurationKey: Sendable, Equatable {
    /// What a value looks like.
    package enum Kind: String, Sendable {
        case section, list, names, text, secret, flag, count, duration, size, ratio, word, address, addresses, url
        case file, command

        /// Whether one environment variable can hold it.
        var isScalar: Bool {
            switch self {
            case .section, .list, .names, .command: false
            default: true
            }
        }
    }

    /// `*` stands for a name that the operator chooses, `[]` for an item of a list.
    package var path: String
    package var kind: Kind
    /// What holds without it, as it would be written; empty: nothing does, or it has to be written.
    package var standard: String
    package var meaning: String
    /// For a section: the key that a plain value in its place stands for (`- http://a:1` is `- url: http://a:1`).
    package var shorthand: String?

    init(_ path: String, _ kind: Kind, _ standard: String, _ meaning: String, shorthand: String? = nil) {
        self.path = path
        self.kind = kind
        self.standard = standard
        self.meaning = meaning
        self.shorthand = shorthand
    }

    /// A key that nothing stands in for.
    init(_ path: String, _ kind: Kind, _ meaning: String, shorthand: String? = nil) {
        self.init(path, kind, "", meaning, shorthand: shorthand)
    }

    /// The variable that overrides it; nil where a name or a position is part of the path.
    package var variable: String? {
        guard !path.contains("*"), !path.contains("["), kind.isScalar || shorthand != nil else { return nil }
        return "MARTLET_" + path.uppercased().replacing(".", with: "_")
    }

    /// The path of the section it belongs to and its own name there.
    var place: (section: String, name: String) {
        guard let dot = path.lastIndex(of: ".") else {
            return path.hasSuffix("[]") ? (String(path.dropLast(2)), "[]") : ("", path)
        }
        let name = path[path.index(after: dot)...]
        return name.hasSuffix("[]")
            ? (String(path.dropLast(2)), "[]") : (String(path[..<dot]), String(name))
    }
}

/// Every key there is. The decoder refuses all others, and the documentation lists the same.
package enum ConfigurationKeys {
    package static let all: [ConfigurationKey] =
        server + pools + targets + models + routes + backends + workers + tasks + ollama + knowledge

    /// The keys of each section, by the section's path.
    static let names: [String: [String]] = Dictionary(grouping: all, by: \.place.section)
        .mapValues { keys in keys.map(\.place.name).filter { $0 != "*" && $0 != "[]" } }

    /// What a plain value stands for in place of a section.
    static let shorthands: [String: String] = Dictionary(
        all.compactMap { key in key.shorthand.map { (key.path, $0) } }, uniquingKeysWith: { first, _ in first })
}
