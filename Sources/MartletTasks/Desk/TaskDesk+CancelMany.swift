import MartletBase
package import MartletLogic
package import MartletWire
import NIOCore
import Synchronization

// Calling many tasks off.
extension TaskDesk {
    /// One call calls no more off.
    package static let mostCancelled = 100

    /// Calls tasks off that are not over, each as ``cancel(_:terminate:)`` does, and answers
    /// `{"cancelled": N, "ids": […], "more": …}`.
    ///
    /// - Parameters:
    ///   - filter: Its name, queue and state, whole ones. Without a state, or with PENDING, those that wait on queues;
    ///     with another one, those that events told of: the latest ten thousand of that state, of the history, too.
    ///     What is not over may be older than what memory holds.
    ///   - limit: how many at most.
    package func cancel(_ filter: TaskFilter, limit: Int, terminate: Bool = true) async throws -> JSONValue {
        let bound = min(limit, Self.mostCancelled)
        var ids: [String] = []
        if filter.state ?? TaskState.pending == TaskState.pending { ids = try await waiting(filter, most: bound + 1) }
        if let state = filter.state {
            if state != TaskState.pending { ids = try await open(filter, besides: [], most: bound + 1) }
        } else {
            // One by one: what has run for long is not among the latest of all states.
            for state in Self.underWay + [nil] where ids.count <= bound {
                var filter = filter
                filter.state = state
                ids += try await open(filter, besides: Set(ids), most: bound + 1 - ids.count)
            }
        }
        let (cancelled, isWhole) = try await cancel(Array(ids.prefix(bound)), terminate: terminate)
        return [
            "cancelled": .integer(Int64(cancelled.count)), "ids": .array(cancelled.map { .string($0) }),
            "more": .bool(ids.count > bound || !isWhole),
        ]
    }

    private static let underWay: [String?] = [TaskState.started, TaskState.received, TaskState.retry]

    /// Tasks that are looked at, of each queue and of those that events told of.
    private static let mostLooked = 10_000
    private static let pageLength = 500

    /// All at once, so that they share the searches for where they wait. Those that were not over, in their order, and
    /// whether all were asked for.
    ///
    /// - Throws: where none could be called off, why.
    private func cancel(_ ids: [String], terminate: Bool) async throws -> (ids: [String], isWhole: Bool) {
        typealias Ending = (id: String, outcome: Result<Cancellation, any Error>)
        let endings = await withTaskGroup(of: Ending.self) { group in
            for id in ids {
                group.addTask {
                    do { return (id, .success(try await self.cancel(id, terminate: terminate))) } catch {
                        return (id, .failure(error))
                    }
                }
            }
            return await group.reduce(into: [String: Result<Cancellation, any Error>]()) { $0[$1.id] = $1.outcome }
        }
        try Task.checkCancellation()
        let outcomes = endings.compactMapValues { try? $0.get() }
        if outcomes.isEmpty, let first = endings.values.first { _ = try first.get() }
        return (
            ids.filter { id in outcomes[id].map { $0 != .tooLate } ?? false }, outcomes.count == endings.count
        )
    }

    /// Those that events told of, and no end.
    private func open(_ filter: TaskFilter, besides others: Set<String>, most: Int) async throws -> [String] {
        var (ids, looked, before) = ([String](), 0, UInt64?.none)
        repeat {
            let page = try await page(filter, before: before, limit: Self.pageLength)
            let open = page.tasks.filter { task in
                !TaskState.isReady(task.state) && (filter.name == nil || task.name == filter.name)
                    && !others.contains(task.id)
            }
            ids += try await unrevoked(open.map(\.id))
            (looked, before) = (looked + Self.pageLength, page.next)
        } while before != nil && looked < Self.mostLooked && ids.count < most
        return Array(ids.prefix(most))
    }

    private func waiting(_ filter: TaskFilter, most: Int) async throws -> [String] {
        let queues = if let queue = filter.queue { [queue] } else { try await queueNames() }
        var ids: [String] = []
        for queue in queues {
            var offset = 0
            while offset < Self.mostLooked, ids.count < most {
                let page = try await waiting(on: queue, after: offset, limit: Self.pageLength)
                guard case .array(let tasks)? = page["tasks"] else { break }
                let named = tasks.filter { filter.name == nil || $0["name"]?.plainText == filter.name }
                ids += try await unrevoked(named.compactMap { $0["id"]?.plainText })
                guard page["next"] != .null else { break }
                offset += Self.pageLength
            }
        }
        return Array(ids.prefix(most))
    }

    /// Those that were not called off before: some wait on for their worker.
    private func unrevoked(_ ids: [String]) async throws -> [String] {
        let scores = try await ask(ids.map { command("ZSCORE", Self.revokedKey, $0) })
        return zip(ids, scores).filter { $1 == .null }.map(\.0)
    }
}
