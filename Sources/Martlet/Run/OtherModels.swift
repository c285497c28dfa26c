import Logging
import MartletKnowledge

/// What is to be said of the models of bases when a server begins: it changes none of them by itself.
struct OtherModels {
    /// So many bases are named in a line.
    private static let mostNamed = 5

    private let bases: [BaseSummary]
    private let registry: EmbeddingRegistry

    init(_ bases: [BaseSummary], _ registry: EmbeddingRegistry) {
        self.bases = bases.filter { !TemporaryBases.isOne($0.name) }
        self.registry = registry
    }

    /// A line for each model that is not what `embedding` says, and one for what was broken off.
    func log(to logger: Logger) {
        let others = Dictionary(grouping: bases.filter { !registry.isStandard($0.model) }, by: \.model)
        for (model, bases) in others.sorted(by: { ($0.key.name, $0.key.version) < ($1.key.name, $1.key.version) }) {
            let isHere = (try? registry.embedder(for: model)) != nil
            let consequence = isHere ? "they go on with it" : "which is not here: questions to them are refused"
            logger.log(
                level: isHere ? .notice : .warning,
                "bases are of another model than `embedding`, \(consequence); `martlet kb reembed BASE` changes that",
                metadata: ["model": "\(model.name) \(model.version)", "bases": "\(Self.named(bases))"])
        }
        let begun = bases.filter { $0.next != nil }
        guard !begun.isEmpty else { return }
        logger.notice(
            "bases were not embedded anew to the end: `martlet kb reembed BASE` goes on",
            metadata: ["bases": "\(Self.named(begun))"])
    }

    private static func named(_ bases: [BaseSummary]) -> String {
        let names = bases.prefix(mostNamed).map { printable($0.name) }.joined(separator: ", ")
        return bases.count > mostNamed ? names + " and \(bases.count - mostNamed) more" : names
    }
}
