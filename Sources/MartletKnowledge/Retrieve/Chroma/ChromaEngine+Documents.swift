import Foundation
package import MartletLogic
import MartletWire
import NIOPosix

extension ChromaEngine {
    /// A write that takes longer is given up: ``sweep()`` takes what is older and in no line for a leftover.
    private static let patience = Duration.seconds(sweptAfter / 2)

    package func documents(in base: String) async throws -> [DocumentSummary] {
        let base = try await now(base)
        return base.documents.values.map { base.summary($0) }.sorted { $0.document.name < $1.document.name }
    }

    package func document(_ name: String, in base: String) async throws -> DocumentSummary? {
        let base = try await now(base)
        return base.document(name).map { base.summary($0) }
    }

    package func put(
        _ document: PreparedDocument, in base: String, model: EmbeddingModel
    ) async throws -> KnowledgeChange {
        let base = try await now(base)
        try document.check(isFor: base.id, named: base.name)
        try base.check(model, vector: nil)
        for part in document.parts { try base.check(model, vector: part.vector) }
        guard document.parts.count < LedgerBase.Document.mostChunks else {
            throw KnowledgeError(.tooLarge, "\(document.name) has more than \(LedgerBase.Document.mostChunks) chunks.")
        }
        let begun = ContinuousClock.now
        let (write, fileWrite, made) = (Self.draw(), Self.draw(), clock)
        var file: LedgerFile?
        let line: LedgerDocument
        do {
            line = try await put(document, as: write, made: made, base)
            if let path = document.path {
                file = try await putFile(path, document, as: fileWrite, made: made, base)
            }
            guard ContinuousClock.now - begun < Self.patience else {
                throw KnowledgeError(.unavailable, "The Chroma server took too long to take \(document.name).")
            }
        } catch {
            await discard([write, fileWrite], of: base)
            // Another node has switched the base, and its vectors of before are gone.
            let own = try await now(base.name).space
            throw own.id == base.space.id ? error : KnowledgeError(wrong: model, for: own.model, of: base.name)
        }
        let change = LedgerChange.put(base: base.id, space: base.space.id, line, file)
        return try await self.write(change, of: base, showing: [write, fileWrite]).change
    }

    private func put(
        _ document: PreparedDocument, as write: Int, made: Int, _ base: LedgerBase
    ) async throws -> LedgerDocument {
        let terms = document.parts.reduce(0) { $0 + ChunkWords($1.chunk).count }
        let chunks = try document.parts.enumerated().map { index, part in
            try ChunkMetadata(part, write: write, index: index, made: made).record(part.vector)
        }
        let text = DocumentPiece.cut(document.text.text)
        let marks = DocumentPiece.cut(try KnowledgeMarks.text(document.text))
        try await add(chunks, to: base.space.id)
        if let next = document.next, let space = base.next, space.model == next.model {
            let records = try zip(document.parts, next.vectors).enumerated().map { index, part in
                try ChunkMetadata(part.0, write: write, index: index, made: made).record(part.1)
            }
            do {
                try await add(records, to: space.id)
            } catch let error as KnowledgeError where error.code == .notFound {
                // Another node has begun yet another model: what lacks is found again before any is searched.
            }
        }
        try await add(DocumentPiece.records(text, .text, write: write, made: made), to: base.id)
        try await add(DocumentPiece.records(marks, .marks, write: write, made: made), to: base.id)
        return LedgerDocument(
            write: write, name: document.name, type: document.type, bytes: document.bytes, chunks: chunks.count,
            terms: terms, added: document.added, metadata: try KnowledgeMarks.text(document.metadata),
            hash: document.hash, splitting: document.splitting, likeness: document.likeness,
            textPieces: text.count, markPieces: marks.count)
    }

    private func putFile(
        _ path: String, _ document: PreparedDocument, as write: Int, made: Int, _ base: LedgerBase
    ) async throws -> LedgerFile {
        let greatest = settings.greatestFile
        let data: Data?
        do {
            data = try await NIOThreadPool.singleton.runIfActive {
                let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
                defer { try? file.close() }
                let data = try file.read(upToCount: greatest + 1) ?? Data()
                return data.count > greatest ? nil : data
            }
        } catch let error as CocoaError {
            throw KnowledgeError(.failed, "The file of \(document.name) cannot be read: \(error).")
        }
        guard let data else { return LedgerFile(write: write, type: document.type, bytes: document.bytes, pieces: 0) }
        let pieces = DocumentPiece.cut(data.base64EncodedString())
        try await add(DocumentPiece.records(pieces, .file, write: write, made: made), to: base.id)
        return LedgerFile(write: write, type: document.type, bytes: data.count, pieces: max(1, pieces.count))
    }

    package func delete(
        _ names: [String], from base: String, files: Bool
    ) async throws -> (change: KnowledgeChange, unknown: [String]) {
        let base = try await now(base)
        guard names.contains(where: { base.document($0) != nil || (files && base.files[$0] != nil) }) else {
            return (KnowledgeChange(previous: base.epoch, epoch: base.epoch), names)
        }
        let outcome = try await write(.delete(base: base.id, names, files: files), of: base)
        return (outcome.change, outcome.unknown)
    }

    // MARK: Reading

    package func files(in base: String) async throws -> [String] { try await now(base).files.keys.sorted() }

    package func file(_ name: String, in base: String) async throws -> StoredFile {
        try await reading(base) { base in
            guard let file = base.files[name] else {
                throw KnowledgeError(.notFound, "There is no file \(name) in \(base.name).")
            }
            guard file.pieces > 0 else {
                throw KnowledgeError(
                    .tooLarge,
                    """
                    The file \(name) has \(file.bytes) bytes: the Chroma server keeps files up to \
                    \(settings.greatestFile >> 20) MiB.
                    """)
            }
            let path = settings.folder + "/\(file.write)"
            if !FileManager.default.fileExists(atPath: path) {
                let text = try await pieces(.file, file.pieces, of: file.write, base)
                guard let data = Data(base64Encoded: text), data.count == file.bytes else {
                    throw KnowledgeError(.failed, "The Chroma server holds something else than the file \(name).")
                }
                try await keep(data, at: path)
            }
            return StoredFile(path: path, name: name, type: file.type, bytes: file.bytes)
        }
    }

    /// Whoever finds it there finds all of it.
    private func keep(_ data: Data, at path: String) async throws {
        do {
            try await NIOThreadPool.singleton.runIfActive { [folder = settings.folder] in
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try data.write(to: URL(fileURLWithPath: path), options: .atomic)
            }
        } catch let error as CocoaError {
            throw KnowledgeError(.failed, "The file cannot be written: \(error).")
        }
    }

    package func text(of document: DocumentVersion) async throws -> DocumentText {
        try await reading(document.base) { base in
            guard let found = base.document(document.name), found.epoch == document.version else {
                throw KnowledgeError(.notFound, "There is no such document: \(document.name).")
            }
            async let text = pieces(.text, found.line.textPieces, of: found.line.write, base)
            let marks = try await pieces(.marks, found.line.markPieces, of: found.line.write, base)
            return try KnowledgeMarks.document(marks, text: try await text)
        }
    }

    private func pieces(
        _ kind: DocumentPiece.Kind, _ count: Int, of write: Int, _ base: LedgerBase
    ) async throws -> String {
        let ids = (0..<count).map { DocumentPiece.id(kind, $0, of: write) }
        let found = try await server.get(ids, from: base.id, as: DocumentPiece.self).metadatas ?? []
        guard found.count == count else {
            throw KnowledgeError(.unavailable, "The Chroma server has not all of a document of \(base.name).")
        }
        return found.sorted { $0.index < $1.index }.map(\.text).joined()
    }

    package func chunks(
        of name: String, in base: String, from first: Int, atMost count: Int
    ) async throws -> [Passage] {
        try await reading(base) { base in
            guard let document = base.document(name), first >= 0, count > 0, first < document.line.chunks else {
                return []
            }
            let places = (first..<min(document.line.chunks, first + min(count, document.line.chunks))).map {
                ChunkPlace(write: document.line.write, index: $0)
            }
            let found = try await rows.rows(places, in: base.space, server)
            guard found.count == places.count else {
                throw KnowledgeError(.unavailable, "The Chroma server has not all chunks of \(name).")
            }
            return places.compactMap { found[$0] }.map { Passage($0, of: document, in: base) }
        }
    }

    package func likenesses(in base: String) async throws -> [String: [UInt8]] {
        let documents = try await now(base).documents.values
        return Dictionary(documents.map { ($0.line.name, $0.line.likeness) }) { $1 }
    }

    package func vectors(
        of keys: [[UInt8]], by model: EmbeddingModel, in base: String
    ) async throws -> [[UInt8]: [Float]] {
        let keys = Dictionary(keys.map { (ChunkMetadata.key($0), $0) }) { first, _ in first }
        return try await reading(base) { base in
            guard let space = [base.space, base.next].compactMap(\.self).first(where: { $0.model == model }) else {
                return [:]
            }
            let pages = try await inOrder(keys.keys.sorted().pages(of: 256), atOnce: 4) { [server] page in
                let filter = ChromaServer.among("key", page.map(JSONValue.string))
                return try await server.get(["where": filter], from: space.id, vectors: true, as: ChunkMetadata.self)
            }
            return pages.reduce(into: [:]) { vectors, page in
                for (metadata, vector) in zip(page.metadatas ?? [], page.embeddings ?? []) {
                    if let key = keys[metadata.key] { vectors[key] = vector }
                }
            }
        }
    }
}
