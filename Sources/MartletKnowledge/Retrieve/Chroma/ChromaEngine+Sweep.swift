import Foundation
import MartletWire

extension ChromaEngine {
    /// In seconds: what is older, and in no line of the ledger, is nobody's any more.
    static let sweptAfter = 3600

    /// Removes what nodes have left that ended, or lost the server, in the midst of a change, and this node's copies of
    /// files that are gone. Nothing of it is ever shown. To be called now and then, by each node.
    ///
    /// - Returns: how many records and collections went.
    @discardableResult
    package func sweep() async throws -> (records: Int, collections: Int) {
        let oldest = clock - Self.sweptAfter
        var records = 0
        for base in try await ledger.read().bases {
            for collection in [base.space.id, base.id] + (base.next.map { [$0.id] } ?? []) {
                let old = try await server.ids(["where": ["made": ["$lt": .integer(Int64(oldest))]]], in: collection)
                // Read after them: what was written before that time is known by now, or never will be.
                guard let known = try await ledger.read().bases.first(where: { $0.id == base.id })?.known else { break }
                let left = old.filter { id in
                    id.split(separator: "-").first.flatMap { Int($0) }.map { !known.contains($0) } ?? false
                }
                try await server.delete(ids: left, from: collection)
                records += left.count
            }
        }
        let there = try await server.collections().filter { collection in
            guard case .integer(let made)? = collection.metadata?["made"] else { return false }
            return isOurs(collection.name) && made < oldest
        }
        let bases = try await ledger.read().bases
        forgetFiles(but: Set(bases.flatMap { $0.files.values.map(\.write) }))
        let known = bases.flatMap { base in
            [base.collection, base.space.collection] + (base.next.map { [$0.collection] } ?? [])
        }
        let left = there.filter { !known.contains($0.name) }
        for collection in left { try await server.deleteCollection(collection.name) }
        return (records, left.count)
    }

    /// Names are the prefix, a number, and what it is: another prefix may begin with this one.
    private func isOurs(_ name: String) -> Bool {
        guard name.hasPrefix(settings.prefix + "-") else { return false }
        let parts = name.dropFirst(settings.prefix.count + 1).split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && Int(parts[0]) != nil
    }

    private func forgetFiles(but known: Set<Int>) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: settings.folder)) ?? [] {
            guard let write = Int(name), !known.contains(write) else { continue }
            forgetFile(write)
        }
    }

    func forgetFile(_ write: Int) { try? FileManager.default.removeItem(atPath: settings.folder + "/\(write)") }
}
