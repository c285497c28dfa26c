import Synchronization

/// One change of a base at a time, so that whoever remembers answers hears of changes in their order.
final class BaseTurns: Sendable {
    private struct Entry {
        let turns = Turns(1)
        var users = 0
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// - Throws: `CancellationError`: nobody waits for it any more; what `body` throws.
    func take<Value>(_ base: String, _ body: () async throws -> Value) async throws -> Value {
        let turns = entries.withLock { entries in
            entries[base, default: Entry()].users += 1
            return entries[base]?.turns ?? Turns(1)
        }
        defer {
            entries.withLock { entries in
                entries[base]?.users -= 1
                if entries[base]?.users == 0 { entries[base] = nil }
            }
        }
        return try await turns.take(body)
    }
}
