import MartletWorkers

/// Names that one part of the file uses for another part, checked once all parts are known.
final class References {
    enum Kind: String {
        case pool, backend
    }

    private var used: [(kind: Kind, name: String, item: Section.Item)] = []

    func use(_ kind: Kind, _ name: String, at item: Section.Item) {
        used.append((kind, name, item))
    }

    func check(_ configuration: Configuration, _ problems: ProblemList) {
        let known: [Kind: [String]] = [
            .pool: configuration.pools.map(\.name), .backend: configuration.backends.map(\.name),
        ]
        let sets = known.mapValues { Set($0) }
        for use in used where sets[use.kind]?.contains(use.name) != true {
            let names = known[use.kind] ?? []
            let hint = Suggestion.hint(for: use.name, among: names)
            let message = "no \(use.kind.rawValue) is called \"\(printable(use.name.prefix(60)))\"\(hint)"
            problems.add(message, at: use.item.path, origin: use.item.origin)
        }
    }
}
