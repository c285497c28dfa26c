/// Puts `MARTLET_…` variables in place of what the file says.
enum EnvironmentOverrides {
    /// The root with every variable of the table of keys put in. Other variables are none of our business, whatever
    /// they begin with: Kubernetes makes `MARTLET_PORT` for a service of that name. Empty ones count as unset.
    static func apply(_ environment: [String: String], to root: ConfigurationNode) -> ConfigurationNode {
        var root = root
        let keys = ConfigurationKeys.all.sorted { $0.path.count < $1.path.count }
        for key in keys {
            guard let variable = key.variable, let text = environment[variable], !text.isEmpty else { continue }
            let value = ConfigurationNode(text: text, origin: .variable(variable))
            set(value, at: key.path.split(separator: ".").map(String.init)[...], under: "", in: &root)
        }
        return root
    }

    private static func set(
        _ value: ConfigurationNode, at path: ArraySlice<String>, under parent: String, in node: inout ConfigurationNode
    ) {
        guard let key = path.first else {
            node = value
            return
        }
        guard var entries = sectionEntries(node, parent, replacing: key) else { return }
        let index = entries.firstIndex { $0.key == key } ?? entries.endIndex
        if index == entries.endIndex {
            let nothing = ConfigurationNode(.mapping([]), value.origin)
            entries.append(.init(key: key, origin: value.origin, node: nothing))
        }
        if path.count == 1 { entries[index].origin = value.origin }
        set(value, at: path.dropFirst(), under: parent.isEmpty ? key : "\(parent).\(key)", in: &entries[index].node)
        node.value = .mapping(entries)
    }

    /// The keys of a section, a plain value spelled out; nil where no key can be put: something else is wrong there, or
    /// the section is `off` and only one of its side keys is set.
    private static func sectionEntries(_ node: ConfigurationNode, _ path: String, replacing key: String)
        -> [ConfigurationNode.Entry]?
    {
        if let entries = node.entries { return entries }
        if node.isNull { return [] }
        guard let shorthand = ConfigurationKeys.shorthands[path], case .scalar = node.value else { return nil }
        if key == shorthand { return [] }
        return node.isOff ? nil : [.init(key: shorthand, origin: node.origin, node: node)]
    }
}
