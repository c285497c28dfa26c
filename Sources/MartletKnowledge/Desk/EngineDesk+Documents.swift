import Foundation
import MartletLogic
import Synchronization

// Documents that come and go.
extension EngineDesk {
    package func add(_ file: IncomingFile, to base: String, _ options: IngestOptions) async throws -> Added {
        guard KnowledgeName.isValid(document: file.name) else {
            throw KnowledgeError(.invalid, "`\(file.name.prefix(200))` is not what a document may be called.")
        }
        // Before anything is read: where there is no base, or nobody for its vectors, nothing is worth reading.
        let state = try await engine.state(of: base)
        _ = try embeddings.embedder(for: state.model)
        let splitter = DocumentSplitter(options)
        return try await ingests.take {
            let (content, making) = try await onThread {
                (try ContentHash.file(at: file.path, named: file.name), try splitter.making(file.metadata))
            }
            if let present = try await engine.document(file.name, in: base) {
                if !options.isAnew, present.hash == content.hash, present.splitting == making,
                    file.metadata.allSatisfy({ present.metadata[$0.key] == $0.value })
                {
                    return Added(document: present.document, chunks: present.chunks, embedded: 0, isNew: false)
                }
                guard options.replaces else {
                    throw KnowledgeError(.alreadyExists, "There is a document \(file.name) in \(base) already.")
                }
            }
            let (read, type) = try await read(file, options)
            var prepared = PreparedDocument(
                name: file.name, type: type, added: Date().timeIntervalSince1970,
                metadata: read.metadata.merging(file.metadata) { $1 }, hash: content.hash, bytes: content.bytes,
                text: read.text, parts: [], path: file.path)
            // While it is read, the base may be removed and another one made of its name.
            (prepared.base, prepared.splitting) = (state.id, making)
            let chunks = try await onThread { try splitter.split(read.text) }
            let likeness = try await onThread { Likeness(of: read.text.text) }
            prepared.likeness = likeness.bytes
            return try await put(&prepared, chunks, likeness, in: base, options.progress)
        }
    }

    private func embedder(of base: String) async throws -> any Embedder {
        try embeddings.embedder(for: try await engine.state(of: base).model)
    }

    /// Again, where the base's model is another one by the time that the vectors are there.
    private func put(
        _ document: inout PreparedDocument, _ chunks: [Chunk], _ likeness: Likeness, in base: String,
        _ progress: (Int, Int) -> Void
    ) async throws -> Added {
        let keys = try chunks.map { try ContentHash.text($0.underHeadings, $0.text) }
        for _ in 0..<Self.attempts {
            let embedder = try await embedder(of: base)
            let (vectors, embedded) = try await vectors(of: chunks, keys, in: base, by: embedder, progress)
            document.parts = zip(zip(keys, chunks), vectors).map { part, vector in
                PreparedDocument.Part(part.1, key: part.0, vector: vector)
            }
            document.next = try await next(chunks, keys, in: base)
            do {
                return try await put(document, likeness, embedded: embedded, in: base, embedder.model)
            } catch let error as KnowledgeError where error.code == .wrongModel {
                continue
            }
        }
        throw KnowledgeError(.overloaded, "The model of \(base) is being changed: try again.")
    }

    private static let attempts = 4

    /// The vectors of the model that the base is being embedded with anew; nil: it is not, or they cannot be had now,
    /// and whoever embeds the base makes them.
    private func next(
        _ chunks: [Chunk], _ keys: [[UInt8]], in base: String
    ) async throws -> (model: EmbeddingModel, vectors: [[Float]])? {
        guard let embedder = reembeddings.withLock({ $0[base] }) else { return nil }
        do {
            return (embedder.model, try await vectors(of: chunks, keys, in: base, by: embedder) { _, _ in }.vectors)
        } catch is KnowledgeError {
            return nil
        }
    }

    package func delete(
        _ names: [String], from base: String, files: Bool
    ) async throws -> [String: KnowledgeError] {
        try await turns.take(base) {
            let (change, unknown) = try await engine.delete(names, from: base, files: files)
            if change.epoch != change.previous {
                await tell(change, of: names, in: base)
                likenesses.remove(names, from: base)
            }
            return Dictionary(
                unknown.map { ($0, KnowledgeError(.notFound, "There is no document \($0.prefix(200)) in \(base).")) }
            ) { first, _ in first }
        }
    }

    // MARK: Steps

    private func read(
        _ file: IncomingFile, _ options: IngestOptions
    ) async throws -> (document: ReadDocument, type: String) {
        guard let given = options.given else {
            let document = try await reader.read(file)
            return (document, document.type.rawValue)
        }
        let document = ReadDocument(type: .text, text: DocumentSplitter.text(of: given))
        return (document, try await reader.type(of: file))
    }

    /// Those that are there already, and those that have to be made: one for each chunk.
    private func vectors(
        of chunks: [Chunk], _ keys: [[UInt8]], in base: String, by embedder: any Embedder,
        _ progress: (Int, Int) -> Void
    ) async throws -> (vectors: [[Float]], embedded: Int) {
        var vectors: [[UInt8]: [Float]] = [:]
        for start in stride(from: 0, to: keys.count, by: Self.lookUp) {
            try Task.checkCancellation()
            let some = Array(keys[start..<min(start + Self.lookUp, keys.count)])
            vectors.merge(try await engine.vectors(of: some, by: embedder.model, in: base)) { first, _ in first }
        }
        var missing: [(key: [UInt8], text: String)] = []
        var asked = Set<[UInt8]>()
        for (key, chunk) in zip(keys, chunks) where vectors[key] == nil && asked.insert(key).inserted {
            missing.append((key, embedder.text(of: chunk)))
        }
        progress(0, missing.count)
        for start in stride(from: 0, to: missing.count, by: settings.step) {
            let some = missing[start..<min(start + settings.step, missing.count)]
            let made = try await embedder.embed(some.map(\.text), as: .passage, countedBy: meter)
            for (item, vector) in zip(some, made) { vectors[item.key] = vector }
            progress(start + some.count, missing.count)
        }
        return (keys.map { vectors[$0] ?? [] }, missing.count)
    }

    /// Keys that are looked up in one go.
    private static let lookUp = 512

    private func put(
        _ document: PreparedDocument, _ likeness: Likeness, embedded: Int, in base: String, _ model: EmbeddingModel
    ) async throws -> Added {
        try await turns.take(base) {
            let similar = try await likenesses.similar(
                to: likeness, besides: document.name, in: base, atLeast: settings.likeness) {
                    try await engine.likenesses(in: base)
                }
            let change = try await engine.put(document, in: base, model: model)
            await tell(change, of: [document.name], in: base)
            likenesses.insert(likeness, of: document.name, in: base)
            meter.ingested(document)
            guard let summary = change.document else {
                throw KnowledgeError(.failed, "\(document.name) was not kept.")
            }
            return Added(
                document: summary.document, chunks: document.parts.count, embedded: embedded, isNew: true,
                nearDuplicates: similar)
        }
    }

    /// No answer that the change made old is given once this returns.
    private func tell(_ change: KnowledgeChange, of documents: [String], in base: String) async {
        guard let cache else { return }
        let told = BaseChange(
            base: base, previous: change.previous, epoch: change.epoch, gone: Set(change.removed),
            documents: Set(documents), hasNew: !change.added.isEmpty)
        await cache.change(told) { [source, settings] questions in
            await source.unchanged(questions, within: settings.cachePatience)
        }
    }
}
