import Foundation
import MartletBase
import MartletKnowledge

/// What turns texts into vectors and orders passages, as a configuration names it.
struct Encoders: Sendable {
    /// Bases may be made with any of these.
    let registry: EmbeddingRegistry
    let reranker: (any Reranker)?
    let sentences: SentenceEncoder?
    let e5: E5Encoder?

    /// - Parameter dispatch: Asks `models`; nil: there are none.
    /// - Throws: `KnowledgeError`: a model of this process whose files are not there.
    init(_ knowledge: KnowledgeConfiguration, dispatch: Dispatch?) throws {
        let folder = Self.folder(knowledge.weights)
        var entries: [String: EmbeddingRegistry.Entry] = [:]
        let standard: String
        let wantsE5 = knowledge.embedding == .e5 || knowledge.rerank == Self.e5Name
        // Whichever is the standard: bases that were made with the other one go on.
        sentences = knowledge.embedding == .sentences
            ? try SentenceEncoder(folder: folder + "/use") : try? SentenceEncoder(folder: folder + "/use")
        e5 = wantsE5 ? try Self.e5(folder) : try? Self.e5(folder)
        if let sentences { entries[Self.sentencesName] = .known(sentences) }
        if let e5 { entries[Self.e5Name] = .known(e5) }
        switch knowledge.embedding {
        case .sentences: standard = Self.sentencesName
        case .e5: standard = Self.e5Name
        case .model(let name):
            standard = name
            guard let dispatch else {
                throw KnowledgeError(
                    .invalid, "\(name) is a model of the server: ask the server, which has it, with --url.")
            }
            entries[name] = DispatchedEmbedding.entry(name, dispatch: dispatch.inBackground())
        }
        registry = try EmbeddingRegistry(entries, standard: standard)
        reranker =
            switch knowledge.rerank {
            case nil: nil
            case Self.e5Name?: e5.map { SentenceReranker($0) }
            case let name?: dispatch.map { DispatchedReranker(dispatch: $0, model: name) }
            }
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
