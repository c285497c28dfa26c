package import MartletLogic

/// What people and programs do with knowledge: HTTP, the command line and the console have this in common.
///
/// What a base or a document may be called is checked where it comes to be, in `create` and `add`; all other names are
/// only looked up, and none is a path. All throw `KnowledgeError` or `CancellationError`.
package protocol KnowledgeDesk: Sendable {
    // MARK: Bases

    func bases() async throws -> [BaseSummary]
    /// One of them.
    func base(_ name: String) async throws -> BaseSummary
    func create(_ settings: BaseSettings) async throws
    func describe(_ base: String, as description: String) async throws
    /// With all its documents, versions, vectors, files and cached answers.
    func remove(base: String) async throws
    /// Makes vectors of another model beside those that are searched, then has them searched in one step. Searches and
    /// writes go on meanwhile. Where it is broken off, the same again goes on from there.
    ///
    /// - Parameters:
    ///   - embedding: By its name in the configuration; nil: the default one.
    ///   - progress: Told now and then: how many chunks have their vector, of how many.
    /// - Returns: The base as it is then; what it was where it is of that model already.
    /// - Throws: `alreadyExists`: the base is being embedded anew already.
    func reembed(
        _ base: String, with embedding: String?, progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void
    ) async throws -> BaseSummary

    // MARK: Documents

    func documents(in base: String) async throws -> [DocumentSummary]
    /// Reads, splits and embeds the file, and shows it in one step: until this returns, readers have the one before.
    func add(_ file: IncomingFile, to base: String, _ options: IngestOptions) async throws -> Added
    /// Gone from search, cache and citations when this returns. Names that there are not: `notFound`, each by itself.
    func delete(_ names: [String], from base: String, files: Bool) async throws -> [String: KnowledgeError]
    /// The names of the files that are kept, in their order: of documents, and of those deleted without their files.
    func files(in base: String) async throws -> [String]
    /// The file as it was uploaded.
    func file(_ name: String, in base: String) async throws -> StoredFile
    /// The document's text as it was read, for citations.
    func text(of document: DocumentVersion) async throws -> DocumentText
    func chunks(of name: String, in base: String, from first: Int, atMost count: Int) async throws -> [Passage]

    // MARK: Questions

    func search(_ query: RetrievalQuery, in bases: [String]) async throws -> [Passage]
    /// Ends the model's call when its reader goes.
    func answer(_ question: Question) -> AsyncThrowingStream<AnswerEvent, any Error>
}

extension KnowledgeDesk {
    /// Whether there is a base of this name.
    package func has(base name: String) async throws -> Bool {
        do {
            _ = try await base(name)
            return true
        } catch let error as KnowledgeError where error.code == .notFound {
            return false
        }
    }
}

package struct DocumentSummary: Sendable, Equatable {
    package var document: DocumentVersion
    /// By content, not by name: `application/pdf`.
    package var type: String
    /// Of the file.
    package var bytes: Int
    package var chunks: Int
    /// Seconds since 1970.
    package var added: Double
    package var metadata: [String: MetadataValue]
    /// Of the file, SHA-256 in hexadecimal.
    package var hash: String
    /// How it was split, as whoever put it says.
    package var splitting: String

    package init(
        document: DocumentVersion, type: String, bytes: Int, chunks: Int, added: Double,
        metadata: [String: MetadataValue], hash: String, splitting: String = ""
    ) {
        self.document = document
        self.type = type
        self.bytes = bytes
        self.chunks = chunks
        self.added = added
        self.metadata = metadata
        self.hash = hash
        self.splitting = splitting
    }
}

/// A file on this machine's disk: uploads are spooled there, the command line names its own.
package struct IncomingFile: Sendable {
    package var name: String
    package var path: String
    package var metadata: [String: MetadataValue] = [:]

    package init(name: String, path: String, metadata: [String: MetadataValue] = [:]) {
        self.name = name
        self.path = path
        self.metadata = metadata
    }
}

package struct StoredFile: Sendable {
    package var path: String
    package var name: String
    package var type: String
    package var bytes: Int

    package init(path: String, name: String, type: String, bytes: Int) {
        self.path = path
        self.name = name
        self.type = type
        self.bytes = bytes
    }
}

package struct IngestOptions: Sendable {
    package enum Splitting: Sendable, Equatable {
        /// Langchain-Chatchat's, character by character.
        case chatchat(size: Int, overlap: Int, titles: Bool)
        /// By headings and paragraphs.
        case headings(size: Int, overlap: Int)
    }

    package var splitting: Splitting = .headings(size: 750, overlap: 150)
    /// Chunks as somebody made them by hand: they are the document's text, with an empty line between two, and the file
    /// is only kept. nil: the file is read and split.
    package var given: [String]?
    /// Whether the file is read even where the same content, to be made alike, is there already.
    package var isAnew = false
    /// Whether a document of this name is replaced; false: it is an `alreadyExists`, but for the same content.
    package var replaces = true
    /// Told now and then: how many chunks are embedded, of how many.
    package var progress: @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }

    package init() {}
}

package struct Added: Sendable, Equatable {
    package var document: DocumentVersion
    package var chunks: Int
    /// How many of them had to be embedded: the others stood in the version before, or in another document.
    package var embedded: Int
    /// False: the same content was there already, and nothing was done.
    package var isNew: Bool
    /// Documents of the base that say nearly the same.
    package var nearDuplicates: [String]

    package init(document: DocumentVersion, chunks: Int, embedded: Int, isNew: Bool, nearDuplicates: [String] = []) {
        self.document = document
        self.chunks = chunks
        self.embedded = embedded
        self.isNew = isNew
        self.nearDuplicates = nearDuplicates
    }
}

package struct Question: Sendable {
    package struct Turn: Sendable, Equatable {
        package enum Speaker: String, Sendable { case system, user, assistant }

        package var speaker: Speaker
        package var text: String

        package init(_ speaker: Speaker, _ text: String) {
            self.speaker = speaker
            self.text = text
        }
    }

    /// Of its text, in bytes; longer ones are `tooLarge`.
    package static let longest = 64 << 10

    package var text: String
    package var bases: [String]
    /// What was said before, the oldest first; of a session, where one is named, its own comes before it.
    package var history: [Turn] = []
    package var session: String?
    /// By its name in the configuration; nil: the default one; "" : none, passages are the answer.
    package var model: String?
    package var limit = 3
    package var minimumScore = 0.0
    /// As ``RetrievalQuery/minimumCosine``.
    package var minimumCosine: Double?
    package var filter: DocumentFilter?
    package var temperature: Double?
    package var maximumTokens: Int?
    /// Asks the model anew, and answers nothing from the cache.
    package var isFresh = false

    package init(_ text: String, bases: [String]) {
        self.text = text
        self.bases = bases
    }
}

/// In this order: sources; reasoning and text, mixed; citations; end.
package enum AnswerEvent: Sendable, Equatable {
    /// What the answer may cite, numbered from 1 in this order.
    case sources([Passage])
    case reasoning(String)
    case text(String)
    case citations([CheckedSentence])
    case end(AnswerEnd)
}

package struct AnswerEnd: Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// By the model, from the sources.
        case answered
        /// From the cache.
        case cached
        /// The bases do not say.
        case refused
        /// Without the model: the best passages, as they are.
        case degraded
    }

    package var kind: Kind
    /// `stop`, `length`, … as the model says it.
    package var finishReason: String
    /// Of a `degraded` one, why; nil: nobody wanted a model.
    package var trouble: ModelTrouble?
    package var promptTokens: Int?
    package var answerTokens: Int?

    package init(
        kind: Kind, finishReason: String = "stop", trouble: ModelTrouble? = nil, promptTokens: Int? = nil,
        answerTokens: Int? = nil
    ) {
        self.kind = kind
        self.finishReason = finishReason
        self.trouble = trouble
        self.promptTokens = promptTokens
        self.answerTokens = answerTokens
    }
}
