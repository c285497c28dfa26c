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
    ///     with another one, those that events told of.
    ///   - limit: how many at most.
    package func cancel(_ filter: TaskFilter, limit: Int, terminate: Bool = true) async throws -> JSONValue {
        let bound = min(limit, Self.mostCancelled)
        var ids: [String] = []
        if filter.state ?? TaskState.pending == TaskState.pending { ids = try await waiting(filter, most: bound + 1) }
        if ids.count <= bound, filter.state != TaskState.pending {
            let known = chronicle.withLock { $0.page(filter, before: nil, limit: Self.mostLooked).tasks }
            let open = known.filter { task in
                !TaskState.isReady(task.state) && (filter.name == nil || task.name == filter.name)
            }
            let fresh = try await unrevoked(open.map(\.id).filter { !ids.contains($0) })
            ids += fresh.prefix(bound + 1 - ids.count)
        }
        var cancelled: [JSONValue] = []
        for id in ids.prefix(bound) where try await cancel(id, terminate: terminate) != .tooLate {
            cancelled.append(.string(id))
        }
        return [
            "cancelled": .integer(Int64(cancelled.count)), "ids": .array(cancelled), "more": .bool(ids.count > bound),
        ]
    }

    /// Tasks that are looked at, of each queue and of those that events told of.
    private static let mostLooked = 10_000

    private func waiting(_ filter: TaskFilter, most: Int) async throws -> [String] {
        let queues = if let queue = filter.queue { [queue] } else { try await queueNames() }
        var ids: [String] = []
        for queue in queues {
            var offset = 0
            while offset < Self.mostLooked, ids.count < most {
                let page = try await waiting(on: queue, after: offset, limit: 500)
                guard case .array(let tasks)? = page["tasks"] else { break }
                let named = tasks.filter { filter.name == nil || $0["name"]?.plainText == filter.name }
                ids += try await unrevoked(named.compactMap { $0["id"]?.plainText })
                guard page["next"] != .null else { break }
                offset += 500
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
