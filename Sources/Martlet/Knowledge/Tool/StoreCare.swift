import MartletKnowledge
import MartletLogic

/// What is done to a store as a whole, where it is; no other process may have it.
package enum StoreCare {
    /// Copies the whole store into a folder that is not there yet, or empty.
    package static func backUp(_ place: KnowledgePlace, to folder: String) async throws -> String {
        let store = try KnowledgeWay.folder(place)
        try await telling { try await KnowledgeCare.backUp(store, to: folder) }
        return "\(folder) has all of \(store)"
    }

    /// Puts a backup where there is no store yet.
    package static func restore(_ place: KnowledgePlace, from folder: String) async throws -> String {
        let store = try KnowledgeWay.folder(place)
        try await telling { try await KnowledgeCare.restore(folder, to: store) }
        return "\(store) has all of \(folder)"
    }

    /// What is wrong in a store or a backup, in sentences; empty: nothing.
    ///
    /// - Parameter folder: Of a backup; nil: the store itself.
    package static func verify(_ place: KnowledgePlace, folder: String?) async throws -> [String] {
        let store = if let folder { folder } else { try KnowledgeWay.folder(place) }
        return try await telling { try await KnowledgeCare.verify(store) }
    }

    private static func telling<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as KnowledgeError {
            throw KnowledgeWay.told(error)
        }
    }
}
