package import MartletLogic

/// What was read from a file.
package struct ReadDocument: Sendable, Equatable {
    package var type: ContentType
    package var text: DocumentText
    /// What the document says of itself: `author`.
    package var metadata: [String: MetadataValue]

    package init(type: ContentType, text: DocumentText, metadata: [String: MetadataValue] = [:]) {
        self.type = type
        self.text = text
        self.metadata = metadata
    }
}

/// Reads the words in an image, where a model offers it.
package protocol TextRecognizer: Sendable {
    /// The words of the image in a file, in reading order; empty: it has none.
    ///
    /// - Throws: `KnowledgeError`, whose message says what is wrong and leaves the file's name to the caller;
    ///   `CancellationError`.
    func text(in path: String, type: ContentType) async throws -> DocumentText
}
