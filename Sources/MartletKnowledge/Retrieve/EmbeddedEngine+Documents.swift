package import MartletLogic
import MartletStore

extension EmbeddedEngine {
    package func documents(in base: String) async throws -> [DocumentSummary] {
        try await Self.mapped { try await store.documents(in: base) }.map { try DocumentSummary($0, base: base) }
    }

    package func document(_ name: String, in base: String) async throws -> DocumentSummary? {
        try await Self.mapped { try await store.document(name, in: base) }
            .map { try DocumentSummary($0, base: base) }
    }

    package func put(
        _ document: PreparedDocument, in base: String, model: EmbeddingModel
    ) async throws -> KnowledgeChange {
        let index = try index(base)
        try document.check(isFor: index.id, named: base)
        let space = index.snapshot.space
        guard model == EmbeddingModel(space), document.parts.allSatisfy({ $0.vector.count == model.dimensions }) else {
            throw KnowledgeError(wrong: model, for: EmbeddingModel(space), of: base)
        }
        let prepared = try await maintain { BaseIndex.prepare(document.parts, dimensions: space.dimensions) }
        var record = try NewDocument(document)
        if let next = document.next, let space = try await Self.mapped({ try await store.base(base) }).nextSpace,
            EmbeddingModel(space) == next.model
        {
            record.next = (space, next.vectors)
        }
        if let path = document.path { record.file = try await Self.mapped { try await store.keep(fileAt: path) } }
        do {
            try Task.checkCancellation()
            let change = try await Self.mapped { [record] in
                try await store.put(record, in: base, space: space) { change in
                    let segments = BaseIndex.segments(prepared, of: change, document.metadata)
                    index.apply(change, adding: segments)
                }
            }
            merge(index)
            return try KnowledgeChange(change, base: base)
        } catch {
            if let file = record.file { store.drop(file) }
            throw error
        }
    }

    package func delete(
        _ names: [String], from base: String, files: Bool
    ) async throws -> (change: KnowledgeChange, unknown: [String]) {
        let (change, unknown) = try await Self.mapped {
            try await store.delete(names, from: base, withFiles: files) {
                // Looked up here: the base may have been removed and made again while the change waited.
                (try? self.index(base))?.apply($0, adding: [])
            }
        }
        if let index = try? index(base) { merge(index) }
        return (try KnowledgeChange(change, base: base), unknown)
    }

    package func files(in base: String) async throws -> [String] {
        try await Self.mapped { try await store.files(in: base) }
    }

    package func file(_ name: String, in base: String) async throws -> StoredFile {
        guard let file = try await Self.mapped({ try await store.file(name, in: base) }) else {
            throw KnowledgeError(.notFound, "There is no file \(name) in \(base).")
        }
        return StoredFile(path: file.path, name: file.name, type: file.type, bytes: file.bytes)
    }

    package func text(of document: DocumentVersion) async throws -> DocumentText {
        let found = try await Self.mapped {
            try await store.text(of: document.name, version: document.version, in: document.base)
        }
        return try KnowledgeMarks.document(found.marks, text: found.text)
    }

    package func excerpts(of document: DocumentVersion, at ranges: [Range<Int>]) async throws -> DocumentExcerpts {
        let found = try await Self.mapped {
            try await store.excerpts(
                of: document.name, version: document.version, in: document.base, at: ranges,
                mark: KnowledgeMarks.titlePath)
        }
        return DocumentExcerpts(title: found.mark, texts: found.texts)
    }

    package func chunks(
        of name: String, in base: String, from first: Int, atMost count: Int
    ) async throws -> [Passage] {
        try await Self.mapped { try await store.chunks(of: name, in: base, from: first, atMost: count) }
            .map { try Passage($0, base: base) }
    }

    package func likenesses(in base: String) async throws -> [String: [UInt8]] {
        try await Self.mapped { try await store.likenesses(in: base) }
    }

    package func vectors(
        of keys: [[UInt8]], by model: EmbeddingModel, in base: String
    ) async throws -> [[UInt8]: [Float]] {
        let own = try index(base).snapshot.space
        guard EmbeddingModel(own) != model else {
            return try await Self.mapped { try await store.vectors(of: keys, in: own) }
        }
        guard let next = try await Self.mapped({ try await store.base(base) }).nextSpace, EmbeddingModel(next) == model
        else { return [:] }
        return try await Self.mapped { try await store.vectors(of: keys, in: next) }
    }
}

extension KnowledgeError {
    init(wrong model: EmbeddingModel, for own: EmbeddingModel, of base: String) {
        self.init(
            .wrongModel,
            """
            The vectors of \(base) are of \(own.name) \(own.version) with \(own.dimensions) numbers, not of \
            \(model.name) \(model.version) with \(model.dimensions).
            """)
    }
}

extension NewDocument {
    init(_ document: PreparedDocument) throws {
        self.init(
            name: document.name, type: document.type, bytes: document.bytes, added: document.added,
            metadata: try KnowledgeMarks.text(document.metadata), hash: document.hash, splitting: document.splitting,
            likeness: document.likeness, text: document.text.text, marks: try KnowledgeMarks.text(document.text),
            chunks: try document.parts.map { part in
                Chunk(
                    text: part.chunk.text, range: part.chunk.range, marks: try KnowledgeMarks.text(part.chunk),
                    key: part.key, vector: part.vector)
            })
    }
}

extension DocumentSummary {
    init(_ record: DocumentRecord, base: String) throws {
        self.init(
            document: DocumentVersion(base: base, name: record.name, version: record.version), type: record.type,
            bytes: record.bytes, chunks: record.chunks, added: record.added,
            metadata: try KnowledgeMarks.metadata(record.metadata), hash: record.hash, splitting: record.splitting)
    }
}

extension KnowledgeChange {
    init(_ change: CommittedChange, base: String) throws {
        let count = Int64(change.document?.chunks ?? 0)
        self.init(
            previous: change.previous, epoch: change.epoch,
            document: try change.document.map { try DocumentSummary($0, base: base) },
            added: (change.firstChunk..<change.firstChunk + count).map { ChunkID($0) },
            removed: change.removedChunks.map { ChunkID($0) })
    }
}

extension Passage {
    /// - Parameter metadata: nil: as the record has it.
    init(
        _ record: ChunkRecord, base: String, metadata: [String: MetadataValue]? = nil, score: Double = 1,
        why: Why = Why()
    ) throws {
        self.init(
            id: ChunkID(record.number),
            document: DocumentVersion(base: base, name: record.name, version: record.version),
            chunk: try KnowledgeMarks.chunk(record.marks, text: record.text, range: record.range),
            metadata: try metadata ?? KnowledgeMarks.metadata(record.metadata), score: score, why: why)
    }
}
