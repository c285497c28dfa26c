import Yams

/// Turns a YAML document into nodes: resolves aliases and merge keys within bounds, fills in environment variables,
/// and finds keys that are written twice.
struct YAMLReader {
    static let maximumDepth = 32
    /// Values after aliases are resolved.
    static let maximumValues = 100_000

    private let environment: [String: String]
    private let problems: ProblemList
    private var anchors: [String: (node: ConfigurationNode, size: Int)] = [:]
    private var values = 0
    private var isTooLarge = false

    /// The root of the file; nil when there is nothing to decode, because it is empty or cannot be read.
    static func read(_ text: String, environment: [String: String], problems: ProblemList) -> ConfigurationNode? {
        do {
            var yaml = try YAMLText(text)
            guard let (parser, root) = try yaml.compose() else { return nil }
            var reader = YAMLReader(environment: environment, problems: problems)
            let node = withExtendedLifetime(parser) { reader.node(root, at: SettingPath(), depth: 0) }
            return reader.isTooLarge ? nil : node
        } catch {
            problems.add(error.message, at: SettingPath(), origin: error.line.map { .line($0) })
            return nil
        }
    }

    private init(environment: [String: String], problems: ProblemList) {
        self.environment = environment
        self.problems = problems
    }

    private mutating func node(_ node: Node, at path: SettingPath, depth: Int) -> ConfigurationNode {
        let origin = ConfigurationOrigin.line(node.mark?.line ?? 1)
        let nothing = Self.unreadable(origin)
        guard !isTooLarge, count(1, at: path, origin) else { return nothing }
        guard depth < Self.maximumDepth else {
            problems.add("is nested deeper than \(Self.maximumDepth) levels", at: path, origin: origin)
            isTooLarge = true
            return nothing
        }
        if !["", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"].contains(Self.tag(of: node))
        {
            problems.add("tags such as \(printable(Self.tag(of: node))) are not read here", at: path, origin: origin)
        }
        let before = values
        let result: ConfigurationNode
        switch node {
        case .scalar(let scalar):
            if let name = Self.aliasName(scalar) { return alias(name, at: path, origin) }
            result = ConfigurationNode(.scalar(self.scalar(scalar, at: path, origin)), origin)
        case .sequence(let sequence):
            var items: [ConfigurationNode] = []
            for (index, item) in sequence.enumerated() {
                items.append(self.node(item, at: path.index(index), depth: depth + 1))
            }
            result = ConfigurationNode(.list(items), origin)
        case .mapping(let mapping):
            result = ConfigurationNode(.mapping(entries(mapping, at: path, depth: depth)), origin)
        case .alias:
            return nothing
        }
        if let anchor = node.anchor { anchors[anchor.rawValue] = (result, values - before + 1) }
        return result
    }

    private static func unreadable(_ origin: ConfigurationOrigin) -> ConfigurationNode {
        ConfigurationNode(.scalar(.init(text: "", written: "", isPlain: true, isUnreadable: true)), origin)
    }

    private static func tag(of node: Node) -> String {
        switch node {
        case .scalar(let scalar): scalar.tag.description
        case .sequence(let sequence): sequence.tag.description
        case .mapping(let mapping): mapping.tag.description
        case .alias: ""
        }
    }

    /// Counts values, and refuses the file once there are too many.
    private mutating func count(_ more: Int, at path: SettingPath, _ origin: ConfigurationOrigin) -> Bool {
        values += more
        guard values > Self.maximumValues else { return true }
        problems.add("holds more than \(Self.maximumValues) values with its aliases", at: SettingPath(), origin: origin)
        isTooLarge = true
        return false
    }

    private static func aliasName(_ scalar: Node.Scalar) -> String? {
        scalar.style == .plain ? YAMLText.aliasName(scalar.string) : nil
    }

    private mutating func alias(_ name: String, at path: SettingPath, _ origin: ConfigurationOrigin)
        -> ConfigurationNode
    {
        guard let anchored = anchors[name] else {
            let shown = printable(name.prefix(60))
            problems.add("`*\(shown)` refers to nothing: no `&\(shown)` comes before it", at: path, origin: origin)
            return Self.unreadable(origin)
        }
        _ = count(anchored.size, at: path, origin)
        return anchored.node
    }

    private func scalar(_ scalar: Node.Scalar, at path: SettingPath, _ origin: ConfigurationOrigin)
        -> ConfigurationNode.Scalar
    {
        let written = YAMLText.withoutMarks(scalar.string)
        let isPlain = scalar.style == .plain
        do {
            let text = try Interpolation.fill(written, from: environment)
            return ConfigurationNode.Scalar(text: text, written: written, isPlain: isPlain)
        } catch {
            switch error {
            case .unset(let name):
                let hint = "set it, or give a default: ${\(name):-...}"
                problems.add("the environment variable \(name) is not set; \(hint)", at: path, origin: origin)
            case .malformed:
                problems.add(
                    "`${` must be followed by a variable's name and `}`; write `$$` for a dollar sign", at: path,
                    origin: origin)
            }
        }
        return ConfigurationNode.Scalar(text: written, written: written, isPlain: isPlain, isUnreadable: true)
    }
}

// MARK: - Mappings

extension YAMLReader {
    private mutating func entries(_ mapping: Node.Mapping, at path: SettingPath, depth: Int) -> [ConfigurationNode
        .Entry]
    {
        var entries: [ConfigurationNode.Entry] = []
        var inherited: [ConfigurationNode.Entry] = []
        var lines: [String: Int] = [:]
        for (keyNode, valueNode) in mapping {
            let line = keyNode.mark?.line ?? 1
            guard case .scalar(let scalar) = keyNode, Self.aliasName(scalar) == nil else {
                problems.add("a key must be a word, not a list, a mapping or an alias", at: path, origin: .line(line))
                continue
            }
            let key = YAMLText.withoutMarks(scalar.string)
            let isMerge = key == "<<" && scalar.style == .plain
            let keyPath = isMerge ? path : path.key(key)
            let value = node(valueNode, at: keyPath, depth: depth + 1)
            if let first = lines.updateValue(line, forKey: key) {
                problems.add("is written twice, first on line \(first)", at: keyPath, origin: .line(line))
            } else if isMerge {
                inherited += merged(value, at: path)
            } else {
                entries.append(.init(key: key, origin: .line(line), node: value))
            }
        }
        return entries + Self.missing(from: lines, in: inherited)
    }

    /// What `<<: *defaults` or `<<: [*a, *b]` brings.
    private func merged(_ value: ConfigurationNode, at path: SettingPath) -> [ConfigurationNode.Entry] {
        switch value.value {
        case .mapping(let entries): return entries
        case .list(let items): return items.flatMap { merged($0, at: path) }
        case .scalar:
            problems.add("`<<` must name mappings, not \(value.shown)", at: path, origin: value.origin)
            return []
        }
    }

    /// A mapping's own keys win over those it inherits, and earlier ones over later ones.
    private static func missing(from own: [String: Int], in inherited: [ConfigurationNode.Entry])
        -> [ConfigurationNode.Entry]
    {
        var known = Set(own.keys)
        return inherited.filter { known.insert($0.key).inserted }
    }
}
