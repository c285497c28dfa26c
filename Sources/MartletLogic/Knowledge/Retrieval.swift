/// What is looked for.
public struct RetrievalQuery: Sendable, Equatable {
    public var text: String
    /// Of the base's model, of length 1; nil: by words alone.
    public var vector: [Float]?
    /// The cosine that a question and a text have in the vector's model though neither has to do with the other.
    public var unrelated: Double
    /// At most this many passages.
    public var limit: Int
    /// Passages below this score are left out, 0...1.
    public var minimumScore: Double
    /// Passages whose vector is farther from the question's are left out, -1...1; nil: as far as they may be. Without a
    /// vector nobody knows how far they are, and none is.
    public var minimumCosine: Double?
    public var filter: DocumentFilter?

    public init(
        text: String, vector: [Float]? = nil, unrelated: Double = 0, limit: Int = 3, minimumScore: Double = 0,
        minimumCosine: Double? = nil, filter: DocumentFilter? = nil
    ) {
        self.text = text
        self.vector = vector
        self.unrelated = unrelated
        self.limit = limit
        self.minimumScore = minimumScore
        self.minimumCosine = minimumCosine
        self.filter = filter
    }
}

/// Which documents may answer, by what is known of them.
public indirect enum DocumentFilter: Sendable, Hashable, Codable {
    case all([DocumentFilter])
    case any([DocumentFilter])
    case not(DocumentFilter)
    /// `name`: the document's own name; any other key: of its metadata. A document without the key never fits.
    case compare(key: String, Comparison, MetadataValue)
    /// With `*` for any characters; capitals make no difference.
    case name(like: String)

    public enum Comparison: String, Sendable, Codable {
        case equal, unequal, less, atMost, more, atLeast, contains
    }
}

/// A value of a document's metadata.
public enum MetadataValue: Sendable, Hashable, Codable {
    case text(String)
    case number(Double)
    case flag(Bool)
}

/// A chunk of the store: never used again for another one, an edit of its document included.
public struct ChunkID: Sendable, Hashable, Comparable, Codable {
    public let number: Int64

    public init(_ number: Int64) { self.number = number }

    public static func < (left: ChunkID, right: ChunkID) -> Bool { left.number < right.number }
}

/// Which text of a document: each update has a higher one.
public struct DocumentVersion: Sendable, Hashable, Codable {
    public var base: String
    /// The file's name, as people know it.
    public var name: String
    public var version: Int

    public init(base: String, name: String, version: Int) {
        self.base = base
        self.name = name
        self.version = version
    }
}

/// A chunk that was found, and why.
public struct Passage: Sendable, Equatable, Codable {
    public var id: ChunkID
    public var document: DocumentVersion
    public var chunk: Chunk
    public var metadata: [String: MetadataValue]
    /// 0...1, larger is better; comparable within one base and one set-up only.
    public var score: Double
    public var why: Why

    public init(
        id: ChunkID, document: DocumentVersion, chunk: Chunk, metadata: [String: MetadataValue] = [:], score: Double,
        why: Why = Why()
    ) {
        self.id = id
        self.document = document
        self.chunk = chunk
        self.metadata = metadata
        self.score = score
        self.why = why
    }

    /// What each arm said of it.
    public struct Why: Sendable, Equatable, Codable {
        /// From 1; nil: the arm did not find it.
        public var wordRank: Int?
        /// BM25, larger is better.
        public var wordScore: Double?
        public var vectorRank: Int?
        /// -1...1.
        public var cosine: Double?
        /// What the cosine says, whichever model's it is: 0: no more than of texts that have nothing to do with each
        /// other, 1: they mean the same.
        public var nearness: Double?
        /// How much the vector counts in the score, 0...1, words the rest; nil: who found it does not say.
        public var vectorWeight: Double?
        /// The query's words that stand in it.
        public var matched: [String]

        public init(
            wordRank: Int? = nil, wordScore: Double? = nil, vectorRank: Int? = nil, cosine: Double? = nil,
            nearness: Double? = nil, vectorWeight: Double? = nil, matched: [String] = []
        ) {
            self.wordRank = wordRank
            self.wordScore = wordScore
            self.vectorRank = vectorRank
            self.cosine = cosine
            self.nearness = nearness
            self.vectorWeight = vectorWeight
            self.matched = matched
        }
    }
}
