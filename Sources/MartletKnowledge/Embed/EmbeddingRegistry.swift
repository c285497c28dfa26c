/// The embedders of a configuration, by name.
package struct EmbeddingRegistry: Sendable {
    private let embedders: [String: any Embedder]
    private let standard: String

    /// - Parameter standard: The one of bases that name none.
    /// - Throws: `KnowledgeError.notFound` when `standard` is none of them.
    package init(_ embedders: [String: any Embedder], standard: String) throws(KnowledgeError) {
        self.embedders = embedders
        self.standard = standard
        _ = try embedder(named: standard)
    }

    /// - Parameter name: As the configuration has it; nil: the standard one.
    /// - Throws: `KnowledgeError.notFound`.
    package func embedder(named name: String?) throws(KnowledgeError) -> any Embedder {
        let name = name ?? standard
        guard let embedder = embedders[name] else {
            let names = embedders.keys.sorted().joined(separator: ", ")
            throw KnowledgeError(.notFound, "There is no embedding \(name): it is one of \(names).")
        }
        return embedder
    }

    /// The embedder whose vectors may stand beside those that a base has already.
    ///
    /// - Throws: `KnowledgeError.wrongModel` when none of them is of that model in that version.
    package func embedder(for model: EmbeddingModel) throws(KnowledgeError) -> any Embedder {
        let fitting = embedders.sorted { $0.key < $1.key }.first { $0.value.model == model }
        guard let embedder = fitting?.value else {
            let others = Set(embedders.values.map { Self.text($0.model) }).sorted().joined(separator: ", ")
            throw KnowledgeError(
                .wrongModel,
                "The vectors are of \(Self.text(model)), but there is only \(others): "
                    + "configure that model again, or embed the base anew.")
        }
        return embedder
    }

    private static func text(_ model: EmbeddingModel) -> String {
        "\(model.name) \(model.version) (\(model.dimensions) dimensions)"
    }
}
