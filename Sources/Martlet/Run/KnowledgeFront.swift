import Foundation
import Logging
import MartletBase
package import MartletKnowledge
import MartletLogic
import MartletNet
import MartletStore
import MartletTelemetry
import MartletWire
import Synchronization

/// The knowledge room of a server, and what it stands on. All of it is nothing where the configuration has no
/// `knowledge`.
package final class KnowledgeFront: Sendable {
    /// Uploads that lie on the disk at a time, by the largest that there may be.
    private static let uploadsAtOnce = 4

    struct Opened: Sendable {
        let desk: EngineDesk
        let shelf: Shelf
        let paths: KnowledgePaths
        let fileSearch: KnowledgeDoor
        fileprivate let engine: any KnowledgeEngine
        fileprivate let encoders: Encoders
        fileprivate let memory: KnowledgeMemory
    }

    private let state = Mutex<Opened?>(nil)

    package init() {}

    /// nil: there is no knowledge, or not yet.
    var opened: Opened? { state.withLock { $0 } }
    package var desk: (any KnowledgeDesk)? { opened?.desk }

    /// Opens what the configuration has.
    ///
    /// - Parameters:
    ///   - models: Their names: any of them may embed.
    ///   - dispatch: Asks `models`; nil: there are none, as on the command line.
    ///   - client: Asks a Chroma server.
    /// - Throws: `KnowledgeError`: what keeps the room from working.
    func open(
        _ knowledge: KnowledgeConfiguration?, models: [String], dispatch: Dispatch?, client: HTTPClient,
        logger: Logger
    ) async throws {
        guard let knowledge else { return }
        let folder = knowledge.folder
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw KnowledgeError(.failed, "The folder \(folder) cannot be made: \(error.localizedDescription)")
        }
        let engine = try await Self.engine(knowledge.store, in: folder, client)
        do {
            let opened = try await Self.open(knowledge, engine, in: folder, models, dispatch, logger)
            state.withLock { $0 = opened }
            let bases = try await opened.desk.bases()
            logger.info(
                "knowledge is open",
                metadata: [
                    "folder": "\(folder)", "bases": "\(bases.count)",
                    "chunks": "\(bases.reduce(0) { $0 + $1.chunks })",
                ])
            OtherModels(bases, opened.encoders.registry).log(to: logger)
        } catch {
            await (engine as? EmbeddedEngine)?.close()
            throw error
        }
    }

    /// So long a Chroma server may take for one answer.
    private static let chromaTimeout: Duration = .seconds(60)
    /// Of one: it brings records of a file by the hundred.
    private static let chromaBytes = 256 << 20

    private static func engine(
        _ store: KnowledgeConfiguration.Store, in folder: String, _ client: HTTPClient
    ) async throws -> any KnowledgeEngine {
        guard case .chroma(let url) = store else { return try await EmbeddedEngine.open(folder) }
        let settings = ChromaEngine.Settings(folder: folder + "/files")
        return try await ChromaEngine.open(settings) { method, path, body in
            let reply = try await client.request(
                Method.allCases.first { $0.text == method } ?? .other, HTTPURL(origin: url.origin, path: path),
                headers: [("Content-Type", "application/json")], body: body, timeout: chromaTimeout,
                maxBody: chromaBytes)
            return ChromaEngine.Reply(status: reply.status, body: reply.body)
        }
    }

    private static func open(
        _ knowledge: KnowledgeConfiguration, _ engine: any KnowledgeEngine, in folder: String, _ models: [String],
        _ dispatch: Dispatch?, _ logger: Logger
    ) async throws -> Opened {
        let now: @Sendable () -> Double = { Date().timeIntervalSince1970 }
        let encoders = try Encoders(knowledge, models: models, dispatch: dispatch)
        let memory = try KnowledgeMemory(knowledge, engine, in: folder, logger: logger)
        let scratch = folder + "/scratch"
        try? FileManager.default.removeItem(atPath: scratch)
        try FileManager.default.createDirectory(
            atPath: scratch, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let chat = dispatch.flatMap { dispatch in
            knowledge.chat.map { DispatchedModel(dispatch: dispatch, standard: $0) }
        }
        let recognizer = dispatch.flatMap { dispatch in
            knowledge.ocr.map { DispatchedRecognizer(dispatch: dispatch.inBackground(), model: $0) }
        }
        var answers = AnswererSettings()
        answers.patience = knowledge.patience
        let desk = EngineDesk(
            engine: engine, embeddings: encoders.registry,
            reader: DocumentReader(scratch: scratch, recognizer: recognizer), model: chat,
            reranker: encoders.reranker, cache: memory.cache, sessions: memory.sessions, answers: answers,
            remarks: knowledge.chat.map { ModelRemarks(logger, standard: $0) })
        let shelf = try await Shelf(
            desk, book: RecordFile(folder + "/" + KnowledgeSidecars.shelf),
            folder: folder + "/" + KnowledgeSidecars.shelfFiles, now: now)
        let spool = try UploadSpool(folder: folder + "/uploads", limit: uploadsAtOnce * knowledge.body)
        var chatchat = ChatchatSettings()
        chatchat.form = knowledge.compatibility == .chatchat ? .chatchat : .fixed
        chatchat.embeddings = encoders.registry.names
        let paths = KnowledgePaths(
            desk, shelf: shelf, spool: spool, chatchat: chatchat, uploadLimit: knowledge.body)
        // It is asked on the path of the models, whose route asks for no key of this process's own.
        let fileSearch = KnowledgeDoor(
            FileSearchEndpoint(desk, shelf), key: Keyed.key(in: ProcessInfo.processInfo.environment),
            dispatch: dispatch)
        return Opened(
            desk: desk, shelf: shelf, paths: paths, fileSearch: fileSearch, engine: engine, encoders: encoders,
            memory: memory)
    }

    /// Its numbers; nil: there is none. Bases that Chatchat's pages make for one chat are not among them.
    func readings() async -> Readings.Knowledge? {
        guard let opened else { return nil }
        var readings = await opened.desk.readings { !TemporaryBases.isOne($0) }
        readings.redisErrors = opened.memory.redisErrors
        return readings
    }

    /// The room's own work, until the task is cancelled.
    package func run() async {
        guard let opened else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await opened.shelf.run() }
            group.addTask { await self.runModels() }
            group.addTask { await Self.prune(opened.memory.sessions) }
            if let shared = opened.engine as? ChromaEngine { group.addTask { await Self.sweep(shared) } }
        }
    }

    /// What embedding needs beside a caller, until the task is cancelled.
    func runModels() async { await opened?.encoders.run() }

    /// What crashed writes have left behind.
    private static func sweep(_ engine: ChromaEngine) async {
        repeat {
            // What fails now is tried again in an hour.
            _ = try? await engine.sweep()
        } while (try? await Task.sleep(for: .seconds(3600))) != nil
    }

    private static func prune(_ sessions: any SessionStore) async {
        repeat {
            // What fails now is tried again in an hour.
            while let count = try? await sessions.prune(), count > 0, !Task.isCancelled {}
        } while (try? await Task.sleep(for: .seconds(3600))) != nil
    }

    /// After the last request.
    package func close() async {
        guard let opened = state.withLock({ state in
            defer { state = nil }
            return state
        }) else { return }
        await opened.desk.close()
        opened.memory.close()
        await (opened.engine as? EmbeddedEngine)?.close()
        await opened.encoders.close()
    }
}

extension KnowledgeConfiguration {
    /// Where this process keeps what is its own.
    package var folder: String {
        if case .folder(let path) = store { path } else { ".martlet/knowledge" }
    }
}
