import Foundation
import MartletBase
import MartletKnowledge

/// What turns texts into vectors and orders passages: all that a configuration can name.
///
/// Those of this process are opened when they are first needed: bases that were made with another one than the standard
/// go on with theirs.
struct Encoders: Sendable {
    /// Bases may be made with any of these.
    let registry: EmbeddingRegistry
    let reranker: (any Reranker)?
    private let sentences: Lazy<SentenceEncoder>
    private let e5: Lazy<E5Encoder>

    /// - Parameters:
    ///   - models: All of `models`, by name.
    ///   - dispatch: Asks them; nil: there are none.
    /// - Throws: `KnowledgeError`: what the configuration names of this process, and its files are not there.
    init(_ knowledge: KnowledgeConfiguration, models: [String], dispatch: Dispatch?) throws {
        let folder = Self.folder(knowledge.weights)
        let sentences = Lazy { try SentenceEncoder(folder: folder + "/use") }
        let e5 = Lazy { try Self.e5(folder) }
        var entries: [String: EmbeddingRegistry.Entry] = [:]
        if let background = dispatch?.inBackground() {
            for name in models { entries[name] = DispatchedEmbedding.entry(name, dispatch: background) }
        }
        entries[Self.sentencesName] = .lazy(model: SentenceEncoder.modelName) { try sentences.value() }
        entries[Self.e5Name] = .lazy(model: E5Encoder.modelName) { try e5.value() }
        let standard: String
        switch knowledge.embedding {
        case .sentences:
            standard = Self.sentencesName
            _ = try sentences.value()
        case .e5:
            standard = Self.e5Name
            _ = try e5.value()
        case .model(let name):
            standard = name
            guard let background = dispatch?.inBackground() else {
                throw KnowledgeError(
                    .invalid, "\(name) is a model of the server: ask the server, which has it, with --url.")
            }
            // Models of workers come after this.
            entries[name] = entries[name] ?? DispatchedEmbedding.entry(name, dispatch: background)
        }
        registry = try EmbeddingRegistry(entries, standard: standard)
        reranker =
            switch knowledge.rerank {
            case nil: nil
            case Self.e5Name?: SentenceReranker(try e5.value())
            case let name?: dispatch.map { DispatchedReranker(dispatch: $0, model: name) }
            }
        (self.sentences, self.e5) = (sentences, e5)
    }

    /// What they need beside a caller, until the task is cancelled. For one task.
    func run() async { await e5.coming()?.run() }

    /// Once, when nobody embeds any more.
    func close() async {
        await sentences.present?.close()
        await e5.present?.close()
    }

    static let sentencesName = "sentences"
    static let e5Name = "e5"

    private static func e5(_ folder: String) throws -> E5Encoder {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "martlet"
        return try E5Encoder(folder: folder + "/e5", command: [program, E5Process.command, folder + "/e5"])
    }

    /// As it is written; where it is not there, beside what the launcher installed.
    private static func folder(_ written: String) -> String {
        guard !written.hasPrefix("/"), !FileManager.default.fileExists(atPath: written),
            let home = ProcessInfo.processInfo.environment["MARTLET_HOME"]
        else { return written }
        return home + "/" + written
    }
}
