import MartletLogic
import Synchronization

/// Which documents of a base say nearly the same: read once, when the first document comes.
///
/// Of a base one is asked at a time, in its turn of ``BaseTurns``: what another one added while the base is read would
/// be lost.
final class LikenessShelf: Sendable {
    /// More than these are not named.
    private static let mostNamed = 10

    private let bases = Mutex<[String: LikenessIndex<String>]>([:])

    /// The documents that are so similar, the most similar first.
    ///
    /// - Parameter read: All of the base, by document.
    func similar(
        to likeness: Likeness, besides name: String, in base: String, atLeast similarity: Double,
        read: () async throws -> [String: [UInt8]]
    ) async throws -> [String] {
        if bases.withLock({ $0[base] == nil }) {
            let known = try await read().compactMapValues { Likeness(bytes: $0) }
            var index = LikenessIndex<String>()
            for (name, likeness) in known { index.insert(likeness, as: name) }
            bases.withLock { [index] in $0[base] = index }
        }
        let index = bases.withLock { $0[base] }
        let found = index?.similar(to: likeness, atLeast: similarity) ?? []
        return found.map(\.id).filter { $0 != name }.prefix(Self.mostNamed).map { $0 }
    }

    func insert(_ likeness: Likeness, of name: String, in base: String) {
        bases.withLock { $0[base]?.insert(likeness, as: name) }
    }

    func remove(_ names: [String], from base: String) {
        bases.withLock { bases in for name in names { bases[base]?.remove(name) } }
    }

    func forget(_ base: String) {
        bases.withLock { $0[base] = nil }
    }
}
