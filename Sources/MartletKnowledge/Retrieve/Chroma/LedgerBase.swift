import MartletLogic

/// A base as the ledger's lines have made it.
struct LedgerBase: Sendable {
    struct Document: Sendable {
        var line: LedgerDocument
        /// Of the line that brought it: its version.
        var epoch: Int
        var metadata: [String: MetadataValue]

        func id(_ index: Int) -> ChunkID { ChunkID(Int64(epoch) << Self.indexBits | Int64(index)) }

        var ids: [ChunkID] { (0..<line.chunks).map { id($0) } }

        /// Lines have numbers of their own, so no chunk of any base ever has another one's.
        static func split(_ id: ChunkID) -> (epoch: Int, index: Int) {
            (Int(id.number >> indexBits), Int(id.number & ((1 << indexBits) - 1)))
        }

        static let mostChunks = 1 << indexBits
        private static let indexBits: Int64 = 20
    }

    /// Documents that were replaced stay for a while, for searches that are under way: so many of a base.
    static let kept = 8

    let id: String
    let collection: String
    let name: String
    var description: String
    let created: Double
    /// Of its last change.
    private(set) var epoch: Int
    private(set) var space: VectorSpace
    var next: VectorSpace?
    private(set) var chunks = 0
    /// Of all chunks.
    private(set) var terms = 0
    /// By their writes.
    private(set) var documents: [Int: Document] = [:]
    private var writes: [String: Int] = [:]
    private var epochs: [Int: Int] = [:]
    private(set) var files: [String: LedgerFile] = [:]
    private var replaced: [(write: Int, name: String, epoch: Int)] = []
    /// Of what the base was before this epoch, something may be gone by now.
    private(set) var whole: Int

    init(_ base: NewBase, epoch: Int) {
        (id, collection, name, created) = (base.id, base.collection, base.name, base.created)
        description = base.description
        space = base.space
        self.epoch = epoch
        whole = epoch
    }

    func document(_ name: String) -> Document? { writes[name].flatMap { documents[$0] } }

    /// The document that a chunk is of, while it is there.
    func place(of chunk: ChunkID) -> (document: Document, place: ChunkPlace)? {
        let (epoch, index) = Document.split(chunk)
        guard let document = epochs[epoch].flatMap({ documents[$0] }), index < document.line.chunks else { return nil }
        return (document, ChunkPlace(write: document.line.write, index: index))
    }

    /// All writes that somebody may read.
    var known: Set<Int> {
        Set(documents.keys).union(replaced.map(\.write)).union(files.values.map(\.write))
    }

    // MARK: Changing

    mutating func put(_ line: LedgerDocument, _ file: LedgerFile?, epoch: Int) throws -> LedgerOutcome {
        var outcome = LedgerOutcome(change: KnowledgeChange(previous: self.epoch, epoch: epoch))
        let document = Document(line: line, epoch: epoch, metadata: try KnowledgeMarks.metadata(line.metadata))
        if let former = take(line.name) {
            outcome.change.removed = former.ids
            replaced.append((former.line.write, line.name, epoch))
        }
        documents[line.write] = document
        writes[line.name] = line.write
        epochs[epoch] = line.write
        chunks += line.chunks
        terms += line.terms
        if let file {
            let former = files.updateValue(file, forKey: line.name)
            if let former { replaced.append((former.write, line.name, epoch)) }
        }
        while replaced.count > Self.kept {
            let old = replaced.removeFirst()
            whole = max(whole, old.epoch)
            outcome.swept.append(old.write)
        }
        self.epoch = epoch
        outcome.change.document = summary(document)
        outcome.change.added = document.ids
        return outcome
    }

    mutating func delete(_ names: [String], files withFiles: Bool, epoch: Int) -> LedgerOutcome {
        var outcome = LedgerOutcome()
        outcome.change.previous = self.epoch
        for name in names {
            let former = take(name)
            let file = withFiles ? files.removeValue(forKey: name) : nil
            guard former != nil || file != nil else {
                outcome.unknown.append(name)
                continue
            }
            outcome.change.removed += former?.ids ?? []
            outcome.swept += [former?.line.write, file?.write].compactMap(\.self)
            outcome.swept += replaced.filter { $0.name == name }.map(\.write)
            replaced.removeAll { $0.name == name }
            (self.epoch, whole) = (epoch, epoch)
        }
        outcome.change.epoch = self.epoch
        return outcome
    }

    /// - Returns: the collection that was searched.
    mutating func change(to space: VectorSpace, epoch: Int) -> String {
        defer {
            self.space = space
            next = nil
            (self.epoch, whole) = (epoch, epoch)
        }
        return self.space.collection
    }

    private mutating func take(_ name: String) -> Document? {
        guard let write = writes.removeValue(forKey: name), let former = documents.removeValue(forKey: write) else {
            return nil
        }
        epochs[former.epoch] = nil
        chunks -= former.line.chunks
        terms -= former.line.terms
        return former
    }

    // MARK: Telling

    var summary: BaseSummary {
        BaseSummary(
            name: name, description: description, model: space.model, documents: documents.count, chunks: chunks,
            created: created, epoch: epoch, changed: documents.values.map(\.line.added).max(), next: next?.model)
    }

    func summary(_ document: Document) -> DocumentSummary {
        let line = document.line
        return DocumentSummary(
            document: version(document), type: line.type, bytes: line.bytes, chunks: line.chunks, added: line.added,
            metadata: document.metadata, hash: line.hash, splitting: line.splitting)
    }

    func version(_ document: Document) -> DocumentVersion {
        DocumentVersion(base: name, name: document.line.name, version: document.epoch)
    }

    /// Whether a question, or a document, may be compared with what is here.
    func check(_ model: EmbeddingModel?, vector: [Float]?) throws(KnowledgeError) {
        let own = space.model
        if let model, model != own { throw KnowledgeError(wrong: model, for: own, of: name) }
        guard vector.map({ $0.count == own.dimensions }) ?? true else {
            throw KnowledgeError(
                .wrongModel,
                "A vector is not of the \(own.dimensions) numbers that those of \(name) have.")
        }
    }
}
