import MartletBase
import MartletLogic
import MartletWire
import NIOCore

// Tasks that wait for their time. Martlet's broker keeps them back; before a Redis server workers do.
extension TaskDesk {
    private static let chunk = 500

    /// How many wait for each list; none where the broker is a Redis server.
    func scheduledCounts() async throws -> [String: Int] {
        let words = try await ask([command("MARTLET", "HELD")]).first?.elements ?? []
        return stride(from: 0, to: words.count - 1, by: 2).reduce(into: [:]) { counts, index in
            guard let list = words[index].string, let count = words[index + 1].wholeNumber else { return }
            counts[list] = count
        }
    }

    /// Those that wait for a list, the earliest first.
    func scheduled(for key: String, from start: Int, count: Int) async throws -> [ByteBuffer] {
        let page = command("MARTLET", "HELD", key, "\(start)", "\(count)")
        return try await ask([page]).first?.elements.compactMap(\.bytes) ?? []
    }

    /// Looks for a task among those that wait for their time, as many as the settings say.
    func scheduledPlace(of id: String, in queues: [String]) async throws -> Place? {
        let counts = try await scheduledCounts()
        guard !counts.isEmpty else { return nil }
        var rest = settings.scannedMessages
        for queue in queues {
            for key in QueueLists.keys(queue) {
                let length = min(counts[key] ?? 0, rest)
                rest -= length
                for start in stride(from: 0, to: length, by: Self.chunk) {
                    for message in try await scheduled(for: key, from: start, count: Self.chunk)
                    where message.contains(JSONText.quoted(id).utf8) {
                        guard let task = WaitingTask(message), task.id == id else { continue }
                        return Place(queue: queue, key: key, ahead: 0, isScheduled: true, task: task)
                    }
                }
            }
        }
        return nil
    }
}
