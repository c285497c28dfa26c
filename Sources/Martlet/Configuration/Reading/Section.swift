import MartletBase

/// One mapping with known keys, while it is decoded: reads each key as a typed value and puts everything that is wrong
/// on the list of problems. A reader returns nil when the key is absent or wrong, so that decoding goes on.
struct Section {
    /// What all sections of one reading share.
    final class Context {
        let problems: ProblemList
        /// The patterns of every key that the decoder asked for.
        private(set) var asked: Set<String> = []

        init(problems: ProblemList) {
            self.problems = problems
        }

        func ask(_ pattern: String) {
            asked.insert(pattern)
        }
    }

    /// A value and where it is.
    struct Item {
        var path: SettingPath
        var node: ConfigurationNode
        /// Of the key where it has one: a long value begins on a later line.
        var origin: ConfigurationOrigin

        init(path: SettingPath, node: ConfigurationNode, origin: ConfigurationOrigin? = nil) {
            self.path = path
            self.node = node
            self.origin = origin ?? node.origin
        }
    }

    let path: SettingPath
    let origin: ConfigurationOrigin
    let context: Context
    private let entries: [ConfigurationNode.Entry]

    /// nil, with a problem, when the node is no mapping. A plain value stands for the section's shorthand key.
    init?(_ item: Item, context: Context) {
        path = item.path
        origin = item.origin
        self.context = context
        let shorthand = ConfigurationKeys.shorthands[item.path.pattern]
        if let shorthand, case .scalar = item.node.value, !item.node.isNull {
            entries = [.init(key: shorthand, origin: item.node.origin, node: item.node)]
            return
        }
        guard let entries = item.node.isNull ? [] : item.node.entries else {
            if item.node.isUnreadable { return nil }
            context.problems.add("must be a section with keys, not \(item.node.shown)", at: path, origin: origin)
            return nil
        }
        self.entries = entries
        let known = ConfigurationKeys.names[path.pattern] ?? []
        for entry in entries where !known.contains(entry.key) {
            let hint = Suggestion.hint(for: entry.key, among: known)
            context.problems.add("is not a key\(hint)", at: path.key(entry.key), origin: entry.origin)
        }
    }

    /// An absent section: every key has its default.
    init(absentAt path: SettingPath, origin: ConfigurationOrigin, context: Context) {
        self.path = path
        self.origin = origin
        self.context = context
        entries = []
    }

    /// Refuses a section that lacks one of these keys.
    func require(_ keys: String...) {
        for key in keys where !has(key) { refuse("is missing", at: key) }
    }

    func has(_ key: String) -> Bool {
        item(key) != nil
    }

    /// The value of a key, if one was written.
    func item(_ key: String) -> Item? {
        let path = path.key(key)
        context.ask(path.pattern)
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        return Item(path: path, node: entry.node, origin: entry.origin)
    }

    /// Where a key is, or would be.
    func place(of key: String) -> (path: SettingPath, origin: ConfigurationOrigin) {
        (path.key(key), entries.first { $0.key == key }?.origin ?? origin)
    }

    /// Puts a problem on the list, at a key or at the section itself.
    func refuse(_ message: String, at key: String? = nil) {
        let place = key.map { self.place(of: $0) } ?? (path: path, origin: origin)
        context.problems.add(message, at: place.path, origin: place.origin)
    }

    func refuse(_ message: String, at item: Item) {
        if item.node.isUnreadable { return }
        context.problems.add(message, at: item.path, origin: item.origin)
    }

    // MARK: - What holds other values

    /// The section under a key; an empty one when the key is absent or wrong.
    func section(_ key: String) -> Section {
        let place = self.place(of: key)
        guard let item = self.item(key), let section = Section(item, context: context) else {
            return Section(absentAt: place.path, origin: place.origin, context: context)
        }
        return section
    }

    /// The section under a key; nil when it is absent or wrong.
    func optionalSection(_ key: String) -> Section? {
        item(key).flatMap { $0.node.isNull ? nil : Section($0, context: context) }
    }

    /// The items of a list; one plain value stands for a list of it where `allowsOne`.
    func list(_ key: String, allowsOne: Bool = false) -> [Item] {
        guard let item = self.item(key), !item.node.isNull, !item.node.isUnreadable else { return [] }
        switch item.node.value {
        case .list(let nodes):
            return nodes.enumerated().map { Item(path: item.path.index($0), node: $1) }
        case .scalar(let scalar) where allowsOne:
            let words = scalar.text.split { $0 == "," || $0 == " " }
            return words.enumerated().map { index, word in
                Item(path: item.path.index(index), node: ConfigurationNode(text: String(word), origin: item.origin))
            }
        default:
            refuse("must be a list, not \(item.node.shown)", at: item)
            return []
        }
    }

    /// The values under names that the operator chose, in the order of the file.
    func named(_ key: String) -> [(name: String, item: Item)] {
        guard let item = self.item(key), !item.node.isNull, !item.node.isUnreadable else { return [] }
        guard let entries = item.node.entries else {
            refuse("must be a mapping of names, not \(item.node.shown)", at: item)
            return []
        }
        return entries.map { entry in
            let path = item.path.name(entry.key)
            context.ask(path.pattern)
            return (entry.key, Item(path: path, node: entry.node, origin: entry.origin))
        }
    }

    /// The sections of a list.
    func sections(_ key: String, allowsOne: Bool = false) -> [Section] {
        list(key, allowsOne: allowsOne).compactMap { item in
            context.ask(item.path.pattern)
            return Section(item, context: context)
        }
    }

    /// The sections under names that the operator chose.
    func namedSections(_ key: String) -> [(name: String, section: Section)] {
        named(key).compactMap { name, item in Section(item, context: context).map { (name, $0) } }
    }
}

extension ConfigurationNode {
    var entries: [Entry]? {
        guard case .mapping(let entries) = value else { return nil }
        return entries
    }
}
