import GRDB
import Glibc

/// A whole store in a folder by itself, of the same form: made while it is in use, looked through, and put back.
package enum KnowledgeBackup {
    /// What is wrong in a store, in sentences; empty: nothing. Reads all of it.
    ///
    /// - Parameter folder: Of a backup, or of a store that no process has.
    package static func verify(_ folder: String) async throws(KnowledgeStoreError) -> [String] {
        try await using(folder) { (store) throws(KnowledgeStoreError) in try await store.flaws() }
    }

    /// Copies a store that no process has into a folder, which must not be there yet or be empty.
    package static func copy(_ store: String, to folder: String) async throws(KnowledgeStoreError) {
        try await using(store) { (store) throws(KnowledgeStoreError) in try await store.backUp(to: folder) }
    }

    /// Puts a backup where there is nothing yet, once it is looked through.
    package static func restore(_ backup: String, to folder: String) async throws(KnowledgeStoreError) {
        let flaws = try await verify(backup)
        guard flaws.isEmpty else { throw .damaged(flaws.joined(separator: "; ")) }
        try await copy(backup, to: folder)
    }

    private static func using<Result>(
        _ folder: String, _ body: (KnowledgeStore) async throws(KnowledgeStoreError) -> Result
    ) async throws(KnowledgeStoreError) -> Result {
        // Opening would make one.
        try KnowledgeStoreError.mapped { _ = try SystemFiles.read(path: folder + "/" + KnowledgeStore.databaseName) }
        let store = try await KnowledgeStore.open(folder)
        do throws(KnowledgeStoreError) {
            let result = try await body(store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }
}

extension KnowledgeStore {
    /// Copies the whole store into a folder, which must not be there yet or be empty. Changes wait, readers do not.
    package func backUp(to folder: String) async throws(KnowledgeStoreError) {
        try await alone {
            let place = try SystemFiles(folder: folder)
            guard try place.list().isEmpty else {
                throw KnowledgeStoreError.failed("\(folder) holds something already")
            }
            let copies = try KnowledgeFiles(folder: folder + "/files")
            for file in try self.pool.read({ try Self.spooled($0) }) {
                try copies.copy(file, from: self.files)
            }
            try KnowledgeSidecars.copy(self.folder, to: folder)
            // Last: without it there is no store.
            try self.pool.writeWithoutTransaction { database in
                try database.execute(sql: "VACUUM INTO ?", arguments: [folder + "/" + Self.databaseName])
            }
            try place.sync(Self.databaseName)
            try place.syncFolder()
        }
    }

    /// What is wrong in it, in sentences; empty: nothing.
    package func flaws() async throws(KnowledgeStoreError) -> [String] {
        try await alone {
            let (found, files) = try self.pool.read { (try Self.flaws($0), try Self.spooled($0)) }
            return found + files.compactMap { file in self.files.flaw(of: file).map { "file \(file.id) \($0)" } }
                + (try KnowledgeSidecars.flaws(in: self.folder))
        }
    }

    private static func flaws(_ database: Database) throws -> [String] {
        var flaws = try String.fetchAll(database, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
        flaws += try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").map { "a row without its owner: \($0)" }
        let checks = [
            ("a chunk has no vector of its base's model", """
                SELECT count(*) FROM chunk JOIN document ON document.number = document JOIN base ON base.number = base
                WHERE NOT EXISTS (SELECT 1 FROM vector WHERE chunk = chunk.number AND vector.space = base.space)
                """),
            ("a vector is not as long as its model's", """
                SELECT count(*) FROM vector JOIN space ON space.number = space WHERE length(value) != 4 * dimensions
                """),
            ("a document has not as many chunks as it should", """
                SELECT count(*) FROM document
                WHERE chunks != (SELECT count(*) FROM chunk WHERE document = document.number)
                """),
        ]
        for (sentence, sql) in checks {
            let count = try Int.fetchOne(database, sql: sql) ?? 0
            if count > 0 { flaws.append("\(sentence) (\(count))") }
        }
        return flaws
    }

    private static func spooled(_ database: Database) throws -> [SpooledFile] {
        try Row.fetchAll(database, sql: "SELECT id, bytes, checksum FROM file").map {
            SpooledFile(id: $0[0], bytes: $0[1], checksum: $0[2])
        }
    }
}
