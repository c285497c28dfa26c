import MartletLogic
import MartletWire
import Synchronization

/// Which chunks have a word, asked of the server and remembered while the base stays as it is.
final class WordCounts: Sendable {
    struct Count: Sendable {
        /// The base's epoch when it was counted.
        var epoch: Int
        /// How many of its chunks have the word: estimated by a share of them where these are too many to be listed.
        var holding: Int
        /// The chunks, or some of them.
        var places: [ChunkPlace]
    }

    private struct Key: Hashable {
        var base: String
        var word: String
    }

    private struct State {
        var counts: [Key: Count] = [:]
        /// Places and words.
        var size = 0
    }

    /// Chunks of a word that are listed.
    static let mostListed = 4096
    private static let greatestSize = 1 << 20
    private let state = Mutex(State())

    /// Of each word of a question.
    func counts(of query: WordQuery, in base: LedgerBase, _ server: ChromaServer) async throws -> [Count] {
        try await inOrder(query.words, atOnce: ChromaServer.callsAtOnce) { word in
            let word = ChunkWords.entry(word.text, isBeginning: word.isBeginning)
            let key = Key(base: base.id, word: word)
            let known = self.state.withLock { $0.counts[key] }
            if let known, known.epoch == base.epoch { return known }
            let count = try await Self.count(word, in: base, server)
            self.keep(count, key)
            return count
        }
    }

    private func keep(_ count: Count, _ key: Key) {
        state.withLock { state in
            if state.size > Self.greatestSize { state = State() }
            let former = state.counts.updateValue(count, forKey: key)
            state.size += count.places.count + 1 - (former.map { $0.places.count + 1 } ?? 0)
        }
    }

    private static func count(_ word: String, in base: LedgerBase, _ server: ChromaServer) async throws -> Count {
        let has: JSONValue = ["words": ["$contains": .string(word)]]
        func places(_ selection: [String: JSONValue]) async throws -> (found: Int, places: [ChunkPlace]) {
            let ids = try await server.ids(selection, in: base.space.id)
            return (ids.count, ids.compactMap { ChunkPlace(id: $0) }.filter { base.documents[$0.write] != nil })
        }
        let (found, listed) = try await places(["where": has, "limit": .integer(Int64(mostListed))])
        guard found == mostListed else { return Count(epoch: base.epoch, holding: listed.count, places: listed) }
        // A share of all chunks, so large that it would list about as many if all of them had the word.
        let share = min(ChunkMetadata.buckets, max(1, mostListed * ChunkMetadata.buckets / max(1, base.chunks)))
        let shared: JSONValue = ["$and": [has, ["bucket": ["$lt": .integer(Int64(share))]]]]
        let sample = try await places(["where": shared]).places.count
        let estimate = min(base.chunks, sample * ChunkMetadata.buckets / share)
        return Count(epoch: base.epoch, holding: max(listed.count, estimate), places: listed)
    }
}
