import Glibc
package import MartletLogic
import MartletStore
import NIOCore
import NIOPosix
import Synchronization

/// Knowledge on this machine: a store on disk that is the truth, and indexes of it in memory that are searched.
///
/// Searches run on lanes of their own and hold no lock but to take a snapshot; segments are made and joined on a thread
/// of the lowest priority.
package final class EmbeddedEngine: KnowledgeEngine {
    package struct Settings: Sendable {
        package var fusion = Fusion()
        /// Threads that search.
        package var lanes: Int
        /// Questions that share a pass over the vectors.
        package var sharing = 16

        package init(lanes: Int = System.coreCount) { self.lanes = max(1, lanes) }
    }

    package let meter = KnowledgeMeter()
    let store: KnowledgeStore
    let lanes: SearchLanes
    let fusion: Fusion
    private let indexes: Mutex<[String: BaseIndex]>
    private let maintenance: NIOThreadPool

    private init(
        _ store: KnowledgeStore, _ settings: Settings, _ indexes: [String: BaseIndex], _ maintenance: NIOThreadPool
    ) {
        self.store = store
        self.indexes = Mutex(indexes)
        self.maintenance = maintenance
        fusion = settings.fusion
        lanes = SearchLanes(
            SearchLanes.Bounds(lanes: settings.lanes, sharing: settings.sharing), settings.fusion, meter)
    }

    // MARK: Opening

    /// Opens a folder, or makes it, and reads all bases into memory.
    ///
    /// - Throws: `unavailable`: another process has it. `invalid`: it is on a network file system.
    package static func open(_ folder: String, _ settings: Settings = Settings()) async throws -> EmbeddedEngine {
        let store = try await mapped { try await KnowledgeStore.open(folder) }
        let maintenance = NIOThreadPool(numberOfThreads: 1)
        maintenance.start()
        do {
            var indexes: [String: BaseIndex] = [:]
            for base in try await mapped({ try await store.bases() }) {
                let snapshot = try await run(on: maintenance) { try BaseIndex.load(base.name, from: store) }
                indexes[base.name] = BaseIndex(base, snapshot)
            }
            return EmbeddedEngine(store, settings, indexes, maintenance)
        } catch {
            await store.close()
            try? await maintenance.shutdownGracefully()
            throw error
        }
    }

    /// Ends what is under way. Nothing is to be asked any more.
    package func close() async {
        try? await lanes.close()
        try? await maintenance.shutdownGracefully()
        await store.close()
    }

    // MARK: Indexes

    func index(_ base: String) throws -> BaseIndex {
        guard let index = indexes.withLock({ $0[base] }) else { throw Self.noBase(base) }
        return index
    }

    // These are called when a change is told, before the next one: what is searched is of the bases that there are.

    func add(_ index: BaseIndex) { indexes.withLock { $0[index.name] = index } }

    func removeIndex(_ base: String) { indexes.withLock { $0[base] = nil } }

    /// Work that may take longer than anybody wants to wait for.
    func maintain<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await Self.run(on: maintenance, body)
    }

    /// Joins segments, some time.
    func merge(_ index: BaseIndex) {
        guard index.snapshot.nextMerge != nil else { return }
        maintenance.submit { state in
            guard case .active = state else { return }
            Self.stepBack()
            index.merge()
        }
    }

    private static func run<Result: Sendable>(
        on threads: NIOThreadPool, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await mapped {
            try await threads.runIfActive {
                stepBack()
                return try body()
            }
        }
    }

    /// Searches come first: this thread has what they leave.
    private static func stepBack() { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19) }

    // MARK: Errors

    static func noBase(_ name: String) -> KnowledgeError {
        KnowledgeError(.notFound, "There is no knowledge base \(name).")
    }

    static func mapped<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as KnowledgeStoreError {
            throw KnowledgeError(error)
        }
    }
}

extension KnowledgeError {
    init(_ error: KnowledgeStoreError) {
        switch error {
        case .inUse: self.init(.inUse, "Another process has this knowledge store.")
        case .network(let reason): self.init(.invalid, reason)
        case .noBase(let name): self = EmbeddedEngine.noBase(name)
        case .baseExists(let name): self.init(.alreadyExists, "There is a knowledge base \(name) already.")
        case .noDocument(let name): self.init(.notFound, "There is no such document: \(name).")
        case .wrongSpace(let reason): self.init(.wrongModel, "Vectors of another model: \(reason).")
        case .full(let reason): self.init(.failed, "The disk is full: \(reason)")
        case .damaged(let reason): self.init(.failed, "The knowledge store is damaged: \(reason)")
        case .failed(let reason): self.init(.failed, "The knowledge store failed: \(reason)")
        }
    }
}
