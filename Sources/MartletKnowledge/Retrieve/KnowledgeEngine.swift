package import MartletLogic

/// Where knowledge is kept and found: what the desk needs of a store, whichever it is.
///
/// A change is seen by every search that begins once its call has returned, and by none before it is durable; a search
/// sees each document as it was before a change or after it. All throw `KnowledgeError` or `CancellationError`; of a
/// base that there is not, `notFound`.
package protocol KnowledgeEngine: Sendable {
    /// Where it counts how long each arm of a search takes, and the desk what it does.
    var meter: KnowledgeMeter { get }

    // MARK: Bases

    func bases() async throws -> [BaseSummary]
    func base(_ name: String) async throws -> BaseSummary
    /// What searches of the base see now: asked for with each question.
    func state(of base: String) async throws -> BaseState
    func createBase(_ name: String, description: String, model: EmbeddingModel) async throws
    func describeBase(_ name: String, as description: String) async throws
    /// With all that is in it.
    func removeBase(_ name: String) async throws

    // MARK: Documents

    func documents(in base: String) async throws -> [DocumentSummary]
    /// nil: there is none of that name.
    func document(_ name: String, in base: String) async throws -> DocumentSummary?
    /// Adds a document, or puts it in the place of the one of its name.
    ///
    /// - Parameter model: Of its vectors: another one than the base's is `wrongModel`.
    /// - Throws: also `notFound` where the base is another one than the document was made for.
    func put(_ document: PreparedDocument, in base: String, model: EmbeddingModel) async throws -> KnowledgeChange
    /// Removes documents, all of them in one step.
    ///
    /// - Returns: also the names that there are not.
    func delete(
        _ names: [String], from base: String, files: Bool
    ) async throws -> (change: KnowledgeChange, unknown: [String])
    /// The names of the files that are kept, in their order: of documents, and of those deleted without their files.
    func files(in base: String) async throws -> [String]
    /// The file as it was uploaded.
    func file(_ name: String, in base: String) async throws -> StoredFile
    /// Of exactly that version: `notFound` once it has been replaced.
    func text(of document: DocumentVersion) async throws -> DocumentText
    /// Parts of that text, without the rest of it.
    ///
    /// - Parameter ranges: In Unicode scalars.
    func excerpts(of document: DocumentVersion, at ranges: [Range<Int>]) async throws -> DocumentExcerpts
    /// In reading order, from one of them on, counted from 0.
    func chunks(of name: String, in base: String, from first: Int, atMost count: Int) async throws -> [Passage]
    /// Of the base's documents, by their names, as they were put.
    func likenesses(in base: String) async throws -> [String: [UInt8]]
    /// Vectors of a model that are there already, searched or made ready, by the keys of their chunks: those need not
    /// be made.
    func vectors(of keys: [[UInt8]], by model: EmbeddingModel, in base: String) async throws -> [[UInt8]: [Float]]

    // MARK: Questions

    /// The best passages, the best first.
    ///
    /// - Parameter model: Of the question's vector: another one than the base's is `wrongModel`.
    func search(_ query: RetrievalQuery, model: EmbeddingModel?, in base: String) async throws -> [Passage]

    // MARK: Another model

    // Where another one than `model` was begun, or none, the rest of these throws `wrongModel`.

    /// Begins vectors of another model beside those that are searched, or goes on with them. Those that were begun for
    /// yet another one go.
    func beginModel(_ model: EmbeddingModel, in base: String) async throws
    /// How many chunks have no vector of the model that was begun.
    func countToEmbed(by model: EmbeddingModel, in base: String) async throws -> Int
    /// Those chunks, by their numbers, from behind one of them on; nil: from the first one on.
    func chunksToEmbed(
        by model: EmbeddingModel, in base: String, after chunk: ChunkID?, atMost count: Int
    ) async throws -> [Passage]
    func add(_ vectors: [ChunkID: [Float]], of model: EmbeddingModel, in base: String) async throws
    /// From the end of this on the model that was begun is searched, in one step, and the vectors before it are gone.
    ///
    /// - Returns: false: some chunks have no vector yet.
    func switchModel(of base: String, to model: EmbeddingModel) async throws -> Bool
}

/// What searches of a base see.
package struct BaseState: Sendable, Equatable {
    /// Of this base, and of none that had its name before or has it later.
    package var id: String
    package var epoch: Int
    /// Of the vectors that are searched.
    package var model: EmbeddingModel

    package init(id: String, epoch: Int, model: EmbeddingModel) {
        self.id = id
        self.epoch = epoch
        self.model = model
    }
}

/// A document that is read, split and embedded.
package struct PreparedDocument: Sendable {
    package struct Part: Sendable {
        package var chunk: Chunk
        /// A hash of what was embedded: parts of the same key have the same vector.
        package var key: [UInt8]
        /// Of length 1.
        package var vector: [Float]

        package init(_ chunk: Chunk, key: [UInt8], vector: [Float]) {
            self.chunk = chunk
            self.key = key
            self.vector = vector
        }
    }

    /// The base that it was made for (``BaseState/id``); nil: whichever has the name.
    package var base: String?
    package var name: String
    package var type: String
    /// Seconds since 1970.
    package var added: Double
    package var metadata: [String: MetadataValue]
    /// Of the file, SHA-256 in hexadecimal.
    package var hash: String
    /// Of the file.
    package var bytes: Int
    package var text: DocumentText
    package var parts: [Part]
    /// One for each part, of a model that is made ready beside the base's; left out where it is not any more.
    package var next: (model: EmbeddingModel, vectors: [[Float]])?
    /// The file, which is copied; nil: there is none, and whatever there was of that name stays.
    package var path: String?
    /// How it was made of its file, as whoever puts it says: of the same file, made alike, it would be the same.
    package var splitting = ""
    /// `Likeness.bytes`; empty: not known.
    package var likeness: [UInt8] = []

    package init(
        name: String, type: String, added: Double, metadata: [String: MetadataValue] = [:], hash: String, bytes: Int,
        text: DocumentText, parts: [Part], path: String? = nil
    ) {
        self.name = name
        self.type = type
        self.added = added
        self.metadata = metadata
        self.hash = hash
        self.bytes = bytes
        self.text = text
        self.parts = parts
        self.path = path
    }

    /// - Parameter id: Of the base that has the name now.
    /// - Throws: `notFound`: it is another one.
    func check(isFor id: String, named base: String) throws {
        guard let own = self.base, own != id else { return }
        throw KnowledgeError(.notFound, "The base \(base) was removed before \(name) was there.")
    }
}

extension KnowledgeEngine {
    package func excerpts(of document: DocumentVersion, at ranges: [Range<Int>]) async throws -> DocumentExcerpts {
        DocumentExcerpts(try await text(of: document), at: ranges)
    }
}

/// What a change did, for those who remember answers.
package struct KnowledgeChange: Sendable, Equatable {
    /// Of the base, until now: with the change itself, so that no other node's change lies between them.
    package var previous: Int
    /// Of the base, from now on; ``previous``: nothing has changed.
    package var epoch: Int
    /// What came; nil: nothing.
    package var document: DocumentSummary?
    package var added: [ChunkID] = []
    package var removed: [ChunkID] = []

    package init(
        previous: Int, epoch: Int, document: DocumentSummary? = nil, added: [ChunkID] = [], removed: [ChunkID] = []
    ) {
        self.previous = previous
        self.epoch = epoch
        self.document = document
        self.added = added
        self.removed = removed
    }
}
