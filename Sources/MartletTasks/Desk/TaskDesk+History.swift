import MartletBase
import MartletLogic
import Synchronization

// What is kept of tasks for longer than memory lasts.
extension TaskDesk: HistoryMemory {
    func withChronicle<Result: Sendable>(_ body: (inout TaskChronicle) -> Result) -> Result {
        chronicle.withLock { body(&$0) }
    }

    /// Reads what was kept before somebody asks. Where that fails, it is tried again while the desk runs.
    package func openHistory() async {
        await history?.open(for: self)
    }

    /// nil: nothing is kept.
    package var historyFigures: HistoryFigures? {
        guard var figures = history?.figures else { return nil }
        figures.missed = chronicle.withLock { $0.missed }
        return figures
    }

    /// A page of tasks from memory and from what was kept, the latest first.
    func page(_ filter: TaskFilter, before: UInt64?, limit: Int) async throws -> TaskChronicle.Page {
        guard let history else { return chronicle.withLock { $0.page(filter, before: before, limit: limit) } }
        return try await history.page(filter, before: before, limit: limit, self)
    }

    /// What was kept of a task that memory knows nothing of.
    func kept(_ id: String) async throws -> TaskRecord? {
        guard let history, chronicle.withLock({ $0.task(id) }) == nil else { return nil }
        return try await history.task(id)
    }
}
