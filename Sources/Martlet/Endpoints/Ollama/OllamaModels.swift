import MartletBase
import MartletExchange
import MartletNet

/// What Ollama's clients call the models of this server. A name may have a tag, as in `qwen3:14B`; where no model is
/// called so in full, the name before the tag counts.
struct OllamaModels: Sendable {
    /// Names that programs are written for stand for the first model, where nothing else is called so.
    private static let usual = ["qwen3", "qwen3:14B"]

    private let names: ModelNames
    /// What this server's workers, or this process, serve at the path of the model API, and its name.
    private let own: [(name: String, pool: Pool)]
    /// `ollama.models`.
    private let aliases: [String: String]

    init(_ names: ModelNames, own: [(name: String, pool: Pool)], aliases: [String: String]) {
        self.names = names
        self.own = own
        self.aliases = aliases
    }

    /// What the model API calls the model that is meant; nil: there is none of that name.
    func called(_ name: String) async -> String? {
        Self.meant(name, among: await known(), aliases: aliases) ?? (names.isOpen ? name : nil)
    }

    /// Every name that leads to a model.
    func listed() async -> [String] {
        let known = await known()
        let others = aliases.keys.sorted() + (known.isEmpty ? [] : Self.usual)
        return others.reduce(into: known) { listed, name in
            if !listed.contains(where: { Self.isSame($0, name) }) { listed.append(name) }
        }
    }

    /// Those that would answer at once.
    func ready() -> [String] {
        names.usable() + own.filter { $0.pool.isUsable(now: .current) }.map { $0.name }
    }

    private func known() async -> [String] {
        let listed = await names.all()
        return listed + own.map { $0.name }.filter { !listed.contains($0) }
    }

    static func meant(_ name: String, among known: [String], aliases: [String: String]) -> String? {
        let base = Self.base(of: name)
        for wanted in base == name ? [name, name + ":latest"] : [name, base] {
            if let alias = aliases.first(where: { isSame($0.key, wanted) }) { return alias.value }
            if let model = known.first(where: { isSame($0, wanted) }) { return model }
        }
        return usual.contains { isSame($0, base) } ? known.first : nil
    }

    /// The name before its tag. A colon before a slash is that of a port.
    private static func base(of name: String) -> String {
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return name }
        return String(name[..<colon])
    }

    /// Ollama's names have no case.
    private static func isSame(_ one: String, _ other: String) -> Bool { one.lowercased() == other.lowercased() }
}
