import MartletLogic

/// A line of the ledger that all nodes share: what one of them wants to change. Whether it holds is decided by the
/// lines before it, on every node alike.
struct LedgerLine: Codable, Sendable {
    /// Drawn by who wrote it.
    var token: Int
    var change: LedgerChange
}

enum LedgerChange: Codable, Sendable {
    /// There must be none of its name.
    case create(NewBase)
    case describe(base: String, String)
    case remove(base: String)
    /// A collection for vectors of another model; one that was begun before is given up.
    case begin(base: String, VectorSpace)
    /// The collection that was begun is searched, if the base is what it was at that epoch.
    case change(base: String, space: String, epoch: Int)
    /// All that it consists of has been written before, into that collection and the documents'.
    case put(base: String, space: String, LedgerDocument, LedgerFile?)
    case delete(base: String, [String], files: Bool)
}

/// Bases are known by the ids of their collections of documents: a name may come back, an id does not.
struct NewBase: Codable, Sendable {
    var id: String
    /// Of the collection, by which it is deleted.
    var collection: String
    var name: String
    var description: String
    /// Seconds since 1970.
    var created: Double
    var space: VectorSpace
}

/// A collection of vectors that may be compared, of one base.
struct VectorSpace: Codable, Sendable, Equatable {
    var id: String
    var collection: String
    var model: EmbeddingModel
}

struct LedgerDocument: Codable, Sendable {
    var write: Int
    var name: String
    var type: String
    var bytes: Int
    var chunks: Int
    /// How many terms they have, repeated ones included.
    var terms: Int
    var added: Double
    /// `KnowledgeMarks`.
    var metadata: String
    var hash: String
    var splitting: String
    /// `Likeness.bytes`.
    var likeness: [UInt8]
    /// Records of the text, and of its marks.
    var textPieces: Int
    var markPieces: Int
}

struct LedgerFile: Codable, Sendable {
    /// A write of its own: a file may outlive its document.
    var write: Int
    var type: String
    var bytes: Int
    /// 0: it was too large to be kept.
    var pieces: Int
}

/// What became of a line.
struct LedgerOutcome: Sendable {
    var change = KnowledgeChange(previous: 0, epoch: 0)
    /// Names to delete that there were not.
    var unknown: [String] = []
    /// What nobody reads any more, for whoever wrote the line to remove.
    var swept: [Int] = []
    var sweptCollections: [String] = []
    /// It did not hold, and nothing changed.
    var refusal: KnowledgeError?
}
