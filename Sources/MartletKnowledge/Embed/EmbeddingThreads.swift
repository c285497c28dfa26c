import Glibc
import NIOPosix
import Synchronization

/// Threads of their own for models that compute in this process, so that they keep nobody else waiting.
package final class EmbeddingThreads: Sendable {
    /// Whether the caller of a piece of work has gone.
    final class Cancellation: Sendable {
        private let isSet = Atomic(false)

        fileprivate func set() { isSet.store(true, ordering: .relaxed) }

        func check() throws(CancellationError) {
            if isSet.load(ordering: .relaxed) { throw CancellationError() }
        }
    }

    let count: Int
    private let niceness: Int32
    private let maximumWaiting: Int
    private let waiting = Atomic(0)
    private let pool: NIOThreadPool

    /// - Parameters:
    ///   - maximumWaiting: More pieces of work than these, those that run included, are refused.
    ///   - niceness: How far the threads stand back for others of this machine, 0...19.
    init(count: Int, maximumWaiting: Int, niceness: Int = 0) {
        self.count = max(1, count)
        self.maximumWaiting = maximumWaiting
        self.niceness = Int32(niceness)
        pool = NIOThreadPool(numberOfThreads: self.count)
        pool.start()
    }

    /// Runs the work on one of the threads. Work that has not begun when the task is cancelled never does.
    ///
    /// - Throws: `KnowledgeError.overloaded`, `CancellationError`, and what the work throws.
    func run<Result: Sendable>(
        _ work: @escaping @Sendable (Cancellation) throws -> Result
    ) async throws -> Result {
        defer { waiting.subtract(1, ordering: .relaxed) }
        guard waiting.add(1, ordering: .relaxed).newValue <= maximumWaiting else {
            throw KnowledgeError(.overloaded, "Too many texts wait to be embedded.")
        }
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await pool.runIfActive { [niceness] in
                try cancellation.check()
                // Of the calling thread alone, on Linux; as often as it is said it stays the same.
                if niceness > 0 { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }
                return try work(cancellation)
            }
        } onCancel: {
            cancellation.set()
        }
    }

    /// Results of all the work, in its order. No more of it waits at a time than there are threads: so others get
    /// their turn.
    func run<Work: Sendable, Result: Sendable>(
        _ all: [Work], _ work: @escaping @Sendable (Work, Cancellation) throws -> Result
    ) async throws -> [Result] {
        try await inOrder(all, atOnce: count) { one in try await self.run { try work(one, $0) } }
    }

    /// Ends the threads when their work is done. Once, and last.
    package func close() async { try? await pool.shutdownGracefully() }
}
