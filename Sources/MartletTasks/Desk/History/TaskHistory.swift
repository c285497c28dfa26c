import Foundation
package import Logging
import MartletBase
package import MartletLogic
import MartletStore
import Synchronization

/// Whose memory of tasks is kept for longer.
protocol HistoryMemory: Sendable {
    func withChronicle<Result: Sendable>(_ body: (inout TaskChronicle) -> Result) -> Result
}

/// What a history did, for metrics.
package struct HistoryFigures: Sendable, Equatable {
    /// Tasks that it holds.
    package var tasks = 0
    /// Tasks that were written, each time that they were.
    package var written: UInt64 = 0
    /// Tasks of which something was never written: the disk was too slow, or away for too long.
    package var missed: UInt64 = 0
    /// Attempts to open, write or read the file that failed.
    package var failures: UInt64 = 0
}

/// What became of tasks, in a file: longer ago and more of them than memory holds, and through restarts.
///
/// The chronicle in memory is its buffer: what changed is taken from there a few times a second, many tasks in one
/// transaction. Who tells the chronicle something never waits for the disk; when that is too slow, the chronicle
/// forgets tasks that were not written, and counts them. It is no source of truth: whatever goes wrong with the file,
/// tasks go on.
package final class TaskHistory: Sendable {
    typealias Opener = @Sendable () async throws(HistoryError) -> OpenedHistory

    private struct State {
        var machine: HistoryMachine
        var place: (any HistoryPlace)?
        /// What a search ran into.
        var damage: String?
        var figures = HistoryFigures()
    }

    private let file: String
    private let opener: Opener
    private let logger: Logger
    private let begun = ContinuousClock.now
    private let state: Mutex<State>

    package convenience init(file: String, policy: HistoryPolicy = HistoryPolicy(), logger: Logger) {
        let latest = TaskChronicle.Limits().tasks
        self.init(file: file, policy: policy, logger: logger) { () throws(HistoryError) in
            let opening = try await HistoryFile.open(file, latest: latest)
            return OpenedHistory(
                place: opening.file, latest: opening.latest, last: opening.last, damage: opening.damage)
        }
    }

    init(file: String, policy: HistoryPolicy, logger: Logger, opener: @escaping Opener) {
        self.file = file
        self.opener = opener
        self.logger = logger
        state = Mutex(State(machine: HistoryMachine(policy)))
    }

    var figures: HistoryFigures {
        state.withLock { state in
            var figures = state.figures
            figures.tasks = state.place?.count ?? 0
            return figures
        }
    }

    // MARK: Keeping

    /// Reads what was kept; tried again later where that fails.
    func open(for memory: some HistoryMemory) async {
        if state.withLock({ $0.place == nil }) { _ = await step(memory) }
    }

    /// Writes what changes until the task is cancelled, then what is left, and closes.
    func run(for memory: some HistoryMemory) async {
        while !Task.isCancelled {
            guard let pause = await step(memory) else { continue }
            try? await Task.sleep(for: .seconds(pause))
        }
        while let place = state.withLock({ $0.place }) {
            let tasks = memory.withChronicle { $0.takeUnsaved(HistoryPolicy().batch) }
            guard !tasks.isEmpty, await write(tasks, to: place, memory) else { break }
        }
        await state.withLock { state in
            defer { state.place = nil }
            return state.place
        }?.close(movingAside: false)
    }

    /// - Returns: how many seconds there is nothing to do; nil: there may be something at once.
    private func step(_ memory: some HistoryMemory) async -> Double? {
        if let (place, damage) = takeDamaged() { await beginAnew(place, damage) }
        let waiting = memory.withChronicle { $0.unsavedCount }
        let (action, place) = state.withLock { ($0.machine.next(waiting: waiting, now: uptime), $0.place) }
        switch (action, place) {
        case (.rest(let seconds), _): return seconds
        case (.open, _), (_, nil): await open(memory)
        case (.write(let limit), let place?):
            _ = await write(memory.withChronicle { $0.takeUnsaved(limit) }, to: place, memory)
        case (.prune(let age, let limit, let step), let place?): await prune(place, age, limit, step)
        }
        return nil
    }

    private func open(_ memory: some HistoryMemory) async {
        do throws(HistoryError) {
            let opened = try await opener()
            if let damage = opened.damage { tellDamage(damage) }
            let latest = opened.latest.compactMap { TaskRecord($0) }
            memory.withChronicle { $0.adopt(latest, last: opened.last) }
            tell(state.withLock { state in
                state.place = opened.place
                return state.machine.opened(count: opened.place.count, now: uptime)
            })
        } catch {
            fail(error)
        }
    }

    /// False: they are to be written later.
    private func write(_ tasks: [TaskRecord], to place: any HistoryPlace, _ memory: some HistoryMemory) async -> Bool {
        do throws(HistoryError) {
            let older = try await place.keep(tasks.map { HistoryTask($0) }, merging: HistoryTask.merged)
            memory.withChronicle { $0.recall(older.compactMap { TaskRecord($0) }) }
            tell(state.withLock { state in
                state.figures.written += UInt64(tasks.count)
                return state.machine.wrote(tasks.count, count: place.count, now: uptime)
            })
            return true
        } catch {
            memory.withChronicle { $0.putBack(tasks.map(\.id)) }
            fail(error)
            return false
        }
    }

    private func prune(_ place: any HistoryPlace, _ age: Double, _ limit: Int, _ step: Int) async {
        do throws(HistoryError) {
            let gone = try await place.prune(before: Self.now - age, keeping: limit, atMost: step)
            tell(state.withLock { $0.machine.pruned(gone, count: place.count, now: uptime) })
        } catch {
            fail(error)
        }
    }

    // MARK: Asking

    /// One that memory may have forgotten; nil: it is not there either, or cannot be read.
    func task(_ id: String) async throws(CancellationError) -> TaskRecord? {
        try await read { try await $0.task(id) }.flatMap { $0 }.flatMap { TaskRecord($0) }
    }

    /// Those that `filter` means, the latest first: from memory, then what was before that.
    func page(
        _ filter: TaskFilter, before: UInt64?, limit: Int, _ memory: some HistoryMemory
    ) async throws(CancellationError) -> TaskChronicle.Page {
        var (page, oldest) = memory.withChronicle { ($0.page(filter, before: before, limit: limit), $0.oldest) }
        guard page.next == nil else { return page }
        let query = HistoryQuery(
            filter, before: min(before ?? .max, oldest), limit: limit - page.tasks.count)
        guard let older = try await read({ try await $0.search(query, within: .seconds(1)) }) else { return page }
        let records = older.tasks.compactMap { TaskRecord($0) }
        // One that was heard of again is written under its new number a moment later.
        page.tasks += memory.withChronicle { chronicle in records.filter { chronicle.task($0.id) == nil } }
        page.next = older.next
        return page
    }

    private func read<Result: Sendable>(
        _ body: (any HistoryPlace) async throws -> Result
    ) async throws(CancellationError) -> Result? {
        guard let place = state.withLock({ $0.place }) else { return nil }
        do {
            return try await body(place)
        } catch let error as CancellationError {
            throw error
        } catch {
            state.withLock { state in
                state.figures.failures += 1
                if case .damaged(let reason)? = error as? HistoryError, state.place === place { state.damage = reason }
            }
            return nil
        }
    }

    // MARK: Trouble

    private func fail(_ error: HistoryError) {
        let tidings = state.withLock { state in
            if case .damaged(let reason) = error, state.place != nil {
                state.damage = reason
                return HistoryMachine.Tidings.known
            }
            state.figures.failures += 1
            return state.machine.failed(now: uptime)
        }
        guard tidings == .trouble else { return }
        logger.warning(
            "the history of tasks is not kept for now", metadata: ["file": "\(file)", "error": "\(error.reason)"])
    }

    private func tell(_ tidings: HistoryMachine.Tidings) {
        if tidings == .over { logger.notice("the history of tasks is kept again", metadata: ["file": "\(file)"]) }
    }

    private func tellDamage(_ reason: String) {
        logger.warning(
            "a damaged history of tasks was moved aside",
            metadata: ["file": "\(file + HistoryFile.asideSuffix)", "error": "\(reason)"])
    }

    private func takeDamaged() -> (any HistoryPlace, String)? {
        state.withLock { state in
            guard let damage = state.damage, let place = state.place else { return nil }
            (state.damage, state.place) = (nil, nil)
            state.figures.failures += 1
            return (place, damage)
        }
    }

    private func beginAnew(_ place: any HistoryPlace, _ damage: String) async {
        await place.close(movingAside: true)
        if state.withLock({ $0.machine.damaged(now: uptime) }) == .trouble { tellDamage(damage) }
    }

    /// In seconds since 1970, as tasks' times are.
    private static var now: Double { Date().timeIntervalSince1970 }
    /// In seconds; it only grows.
    private var uptime: Double { begun.duration(to: .now).inSeconds }
}
