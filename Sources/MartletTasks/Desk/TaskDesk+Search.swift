import MartletBase
import MartletLogic
import MartletWire
import NIOCore

// Where tasks wait.
extension TaskDesk {
    /// How many messages are read at a time.
    private static let chunk = 500

    /// Where a task waits, of the lists that are looked through.
    struct Place: Sendable {
        var queue: String
        var key: String
        /// How many are served before it.
        var ahead: Int
        var isDead = false
        /// It waits for its time.
        var isScheduled = false
        var task: WaitingTask
    }

    /// Looks for a task among those that are served next, among dead letters and among those that wait for their time,
    /// as many messages of each kind as the settings say. Those who ask at once share a search (``SearchLine``).
    ///
    /// - Parameter queue: nil: any.
    /// - Throws: also `overloaded`, where too many ask.
    func place(of id: String, on queue: String?) async throws -> Place? {
        try await search.place(of: id, on: queue) { try await self.places(of: $0) }
    }

    /// Those of the tasks that were found.
    private func places(of search: SearchLine.Search) async throws -> [String: Place] {
        let queues = if let queue = search.queue { [queue] } else { try await queueNames() }
        var (wanted, found) = (search.ids, [String: Place]())
        var rest = settings.scannedMessages
        for queue in queues {
            var ahead = 0
            let lists = QueueLists.keys(queue) + [QueueLists.deadLetters(queue)]
            for (key, length) in zip(lists, try await lengths(of: lists)) where length > 0 {
                let isDead = key == lists.last
                try await look(for: &wanted, most: min(length, rest)) { start, count in
                    try await messages(of: key, from: start, count: count)
                } finding: { index, task in
                    found[task.id] = Place(
                        queue: queue, key: key, ahead: isDead ? 0 : ahead + index, isDead: isDead, task: task)
                }
                guard !wanted.isEmpty else { return found }
                ahead += length
                rest -= min(length, rest)
            }
        }
        let counts = try await scheduledCounts()
        rest = settings.scannedMessages
        for queue in queues where !counts.isEmpty {
            for key in QueueLists.keys(queue) where !wanted.isEmpty {
                let length = min(counts[key] ?? 0, rest)
                rest -= length
                try await look(for: &wanted, most: length) { start, count in
                    try await scheduled(for: key, from: start, count: count)
                } finding: { _, task in
                    found[task.id] = Place(queue: queue, key: key, ahead: 0, isScheduled: true, task: task)
                }
            }
        }
        return found
    }

    /// Goes through messages until all that are wanted were found, and no further than `most`.
    private func look(
        for wanted: inout Set<String>, most: Int, in page: (_ start: Int, _ count: Int) async throws -> [ByteBuffer],
        finding: (Int, WaitingTask) -> Void
    ) async throws {
        var start = 0
        while start < most, !wanted.isEmpty {
            let messages = try await page(start, Self.chunk)
            for (index, message) in messages.enumerated() {
                guard let id = WaitingTask.id(of: message), wanted.contains(id), let task = WaitingTask(message) else {
                    continue
                }
                wanted.remove(id)
                finding(start + index, task)
            }
            guard messages.count == Self.chunk else { return }
            start += Self.chunk
        }
    }
}
