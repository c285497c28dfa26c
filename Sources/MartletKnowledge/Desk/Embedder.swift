/// Turns texts into vectors.
package protocol Embedder: Sendable {
    var model: EmbeddingModel { get }

    /// A vector of length 1 for each text, in their order.
    ///
    /// - Throws: `KnowledgeError`, `CancellationError`.
    func embed(_ texts: [String], as role: EmbeddingRole) async throws -> [[Float]]
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
