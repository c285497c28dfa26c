import MartletLogic

/// Turns texts into vectors.
package protocol Embedder: Sendable {
    var model: EmbeddingModel { get }
    /// Its vectors are better with the headings above a text than without.
    var readsHeadings: Bool { get }

    /// A vector of length 1 for each text, in their order.
    ///
    /// - Throws: `KnowledgeError`, `CancellationError`.
    func embed(_ texts: [String], as role: EmbeddingRole) async throws -> [[Float]]
}

extension Embedder {
    package var readsHeadings: Bool { true }

    /// What of a chunk is embedded.
    func text(of chunk: Chunk) -> String { readsHeadings ? chunk.underHeadings : chunk.text }
}

/// Whose vectors may be compared: those of one model in one version.
package struct EmbeddingModel: Sendable, Hashable, Codable {
    package var name: String
    package var version: String
    package var dimensions: Int

    package init(name: String, version: String, dimensions: Int) {
        self.name = name
        self.version = version
        self.dimensions = dimensions
    }
}

/// Some models treat what is asked and what is found differently.
package enum EmbeddingRole: String, CaseIterable, Sendable {
    case query, passage
}
