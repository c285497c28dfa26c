import MartletBase
import MartletLogic
import MartletWire
import NIOCore

// Tasks that wait for their time. Martlet's broker keeps them back; before a Redis server workers do.
extension TaskDesk {
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
}
