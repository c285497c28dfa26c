import MartletStore

/// An embedded store as a whole: copied, put back, looked through. All throw `KnowledgeError`: `unavailable` where
/// another process has a store that is to be opened.
package enum KnowledgeCare {
    /// Copies a store into a folder, which must not be there yet or be empty.
    package static func backUp(_ store: String, to folder: String) async throws {
        try await EmbeddedEngine.mapped { try await KnowledgeBackup.copy(store, to: folder) }
    }

    /// Puts a backup where there is nothing yet, once it is looked through.
    package static func restore(_ folder: String, to store: String) async throws {
        let flaws = try await Shelf.flaws(in: folder)
        guard flaws.isEmpty else { throw KnowledgeError(KnowledgeStoreError.damaged(flaws.joined(separator: "; "))) }
        try await EmbeddedEngine.mapped { try await KnowledgeBackup.restore(folder, to: store) }
    }

    /// What is wrong in a store or a backup, in sentences; empty: nothing.
    package static func verify(_ folder: String) async throws -> [String] {
        try await EmbeddedEngine.mapped { try await KnowledgeBackup.verify(folder) } + Shelf.flaws(in: folder)
    }
}
