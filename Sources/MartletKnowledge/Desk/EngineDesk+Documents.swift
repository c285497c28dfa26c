import Foundation
import MartletLogic

// Documents that come and go.
extension EngineDesk {
    package func add(_ file: IncomingFile, to base: String, _ options: IngestOptions) async throws -> Added {
        guard KnowledgeName.isValid(document: file.name) else {
            throw KnowledgeError(.invalid, "`\(file.name.prefix(200))` is not what a document may be called.")
        }
        // Before anything is read: where there is no base, nothing is worth reading.
        let state = try await engine.state(of: base)
        let embedder = try embeddings.embedder(for: state.model)
        let splitter = try DocumentSplitter(options)
        return try await ingests.take {
            let content = try await onThread { try ContentHash.file(at: file.path, named: file.name) }
            if let present = try await engine.document(file.name, in: base) {
                if present.hash == content.hash, present.splitting == splitter.name,
                    file.metadata.allSatisfy({ present.metadata[$0.key] == $0.value })
                {
                    return Added(document: present.document, chunks: present.chunks, embedded: 0, isNew: false)
                }
                guard options.replaces else {
                    throw KnowledgeError(.alreadyExists, "There is a document \(file.name) in \(base) already.")
                }
            }
            let read = try await read(file, options)
            var prepared = PreparedDocument(
                name: file.name, type: read.type.rawValue, added: Date().timeIntervalSince1970,
                metadata: read.metadata.merging(file.metadata) { $1 }, hash: content.hash, bytes: content.bytes,
                text: read.text, parts: [], path: file.path)
            prepared.splitting = splitter.name
            let chunks = try await onThread { try splitter.split(read.text) }
            let (parts, embedded) = try await parts(of: chunks, in: base, by: embedder, options.progress)
            prepared.parts = parts
            let likeness = try await onThread { Likeness(of: read.text.text) }
            prepared.likeness = likeness.bytes
            return try await put(prepared, likeness, embedded: embedded, in: base, embedder.model)
        }
    }

    package func delete(
        _ names: [String], from base: String, files: Bool
    ) async throws -> [String: KnowledgeError] {
        try await turns.take(base) {
            let before = try await engine.state(of: base).epoch
            let (change, unknown) = try await engine.delete(names, from: base, files: files)
            if change.epoch != before {
                await tell(change, of: names, in: base, since: before)
                likenesses.remove(names, from: base)
            }
            return Dictionary(
                unknown.map { ($0, KnowledgeError(.notFound, "There is no document \($0.prefix(200)) in \(base).")) }
            ) { first, _ in first }
        }
    }

    // MARK: Steps

    private func read(_ file: IncomingFile, _ options: IngestOptions) async throws -> ReadDocument {
        guard let given = options.given else { return try await reader.read(file) }
        let text = DocumentText(text: given.joined(separator: "\n\n"))
        return ReadDocument(type: ContentType.ofText(head: [], name: file.name), text: text)
    }

    /// With the vectors that are there already, and those that have to be made.
    private func parts(
        of chunks: [Chunk], in base: String, by embedder: any Embedder, _ progress: (Int, Int) -> Void
    ) async throws -> (parts: [PreparedDocument.Part], embedded: Int) {
        let model = "\(embedder.model.name) \(embedder.model.version)"
        let keys = try chunks.map { try ContentHash.text(model, $0.text) }
        var vectors: [[UInt8]: [Float]] = [:]
        for start in stride(from: 0, to: keys.count, by: Self.lookUp) {
            try Task.checkCancellation()
            let some = Array(keys[start..<min(start + Self.lookUp, keys.count)])
            vectors.merge(try await engine.vectors(of: some, in: base)) { first, _ in first }
        }
        var missing: [(key: [UInt8], text: String)] = []
        var asked = Set<[UInt8]>()
        for (key, chunk) in zip(keys, chunks) where vectors[key] == nil && asked.insert(key).inserted {
            missing.append((key, chunk.text))
        }
        progress(0, missing.count)
        for start in stride(from: 0, to: missing.count, by: settings.step) {
            let some = missing[start..<min(start + settings.step, missing.count)]
            let made = try await embedder.embed(some.map(\.text), as: .passage, countedBy: meter)
            for (item, vector) in zip(some, made) { vectors[item.key] = vector }
            progress(start + some.count, missing.count)
        }
        let parts = zip(keys, chunks).map { key, chunk in
            PreparedDocument.Part(chunk, key: key, vector: vectors[key] ?? [])
        }
        return (parts, missing.count)
    }

    /// Keys that are looked up in one go.
    private static let lookUp = 512

    private func put(
        _ document: PreparedDocument, _ likeness: Likeness, embedded: Int, in base: String, _ model: EmbeddingModel
    ) async throws -> Added {
        let similar = try await likenesses.similar(
            to: likeness, besides: document.name, in: base, atLeast: settings.likeness) {
                try await engine.likenesses(in: base)
            }
        return try await turns.take(base) {
            let before = try await engine.state(of: base).epoch
            let change = try await engine.put(document, in: base, model: model)
            await tell(change, of: [document.name], in: base, since: before)
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
    private func tell(
        _ change: KnowledgeChange, of documents: [String], in base: String, since previous: Int
    ) async {
        guard let cache else { return }
        let told = BaseChange(
            base: base, previous: previous, epoch: change.epoch, gone: Set(change.removed),
            documents: Set(documents), hasNew: !change.added.isEmpty)
        await cache.change(told) { [source, settings] questions in
            await source.unchanged(questions, within: settings.cachePatience)
        }
    }
}
