package struct BaseSettings: Sendable, Equatable {
    package var name: String
    package var description = ""
    /// By its name in the configuration; nil: the default one.
    package var embedding: String?

    package init(name: String, description: String = "", embedding: String? = nil) {
        self.name = name
        self.description = description
        self.embedding = embedding
    }
}

package struct BaseSummary: Sendable, Equatable {
    package var name: String
    package var description: String
    package var model: EmbeddingModel
    package var documents: Int
    package var chunks: Int
    /// Seconds since 1970.
    package var created: Double
    /// Rises with each change that readers see.
    package var epoch: Int
    /// When its newest document came, in seconds since 1970; of an empty one, when it was made.
    package var changed: Double
    /// Whose vectors are made ready beside those of ``model``; nil: nobody's.
    package var next: EmbeddingModel?

    package init(
        name: String, description: String, model: EmbeddingModel, documents: Int, chunks: Int, created: Double,
        epoch: Int, changed: Double? = nil, next: EmbeddingModel? = nil
    ) {
        self.name = name
        self.description = description
        self.model = model
        self.documents = documents
        self.chunks = chunks
        self.created = created
        self.epoch = epoch
        self.changed = changed ?? created
        self.next = next
    }
}
