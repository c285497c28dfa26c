import Foundation
import MartletLogic

/// Files, and the stores they are put into: what OpenAI's API has beside bases and documents.
///
/// Every base is a store. What this API made has a record with its name and its files; of other bases, documents are
/// shown as files that are there. Files are put into stores in ``run()``, one after the other, after a restart as well.
package actor Shelf {
    let desk: any KnowledgeDesk
    private let book: any ShelfBook
    /// Of the files.
    private let folder: URL
    private let now: @Sendable () -> Double

    private var files: [String: ShelfFile] = [:]
    var stores: [String: ShelfStore] = [:]
    /// By store, then by file.
    var entries: [String: [String: ShelfEntry]] = [:]
    var batches: [String: ShelfBatch] = [:]
    var line = ShelfLine()
    let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - folder: Of its own, for the files.
    ///   - now: Seconds since 1970.
    /// - Throws: the book's errors, and Foundation's where the folder cannot be made.
    package init(
        _ desk: any KnowledgeDesk, book: any ShelfBook, folder: String, now: @escaping @Sendable () -> Double
    ) async throws {
        (self.desk, self.book, self.now) = (desk, book, now)
        self.folder = URL(fileURLWithPath: folder, isDirectory: true)
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        for (key, bytes) in try await book.all() { try restore(key, Data(bytes)) }
        for entry in entries.values.flatMap(\.values).sorted(by: { $0.created < $1.created })
        where entry.state == .waiting {
            line.append(entry)
        }
        wake.yield()
    }

    private func restore(_ key: String, _ data: Data) throws {
        let decoder = JSONDecoder()
        switch key.prefix(while: { $0 != "/" }) {
        case "file":
            let file = try decoder.decode(ShelfFile.self, from: data)
            files[file.id] = file
        case "store":
            let store = try decoder.decode(ShelfStore.self, from: data)
            stores[store.id] = store
        case "entry":
            let entry = try decoder.decode(ShelfEntry.self, from: data)
            entries[entry.store, default: [:]][entry.file] = entry
        case "batch":
            let batch = try decoder.decode(ShelfBatch.self, from: data)
            batches[batch.id] = batch
        default: break
        }
    }

    var time: Double { now() }

    static func newID(_ prefix: String) -> String {
        prefix + UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(24)
    }

    // MARK: Records

    func keep(_ store: ShelfStore) async throws {
        stores[store.id] = store
        try await write(["store/\(store.id)": store])
    }

    func keep(_ batch: ShelfBatch) async throws {
        batches[batch.id] = batch
        try await write(["batch/\(batch.id)": batch])
    }

    func keep(_ changed: [ShelfEntry]) async throws {
        for entry in changed { entries[entry.store, default: [:]][entry.file] = entry }
        try await write(Dictionary(changed.map { ("entry/\($0.store)/\($0.file)", $0) }) { $1 })
    }

    /// Forgets a file of a store.
    func forget(_ file: String, of store: String) async throws {
        entries[store]?[file] = nil
        try await book.write(["entry/\(store)/\(file)": nil])
    }

    /// Forgets a store with all that it has.
    func forget(store id: String) async throws {
        var changes: [String: [UInt8]?] = ["store/\(id)": nil]
        for file in (entries[id] ?? [:]).keys { changes.updateValue(nil, forKey: "entry/\(id)/\(file)") }
        for batch in batches.values where batch.store == id {
            batches[batch.id] = nil
            changes.updateValue(nil, forKey: "batch/\(batch.id)")
        }
        (stores[id], entries[id]) = (nil, nil)
        try await book.write(changes)
    }

    private func write(_ records: [String: some Encodable]) async throws {
        let encoder = JSONEncoder()
        try await book.write(try records.mapValues { Array(try encoder.encode($0)) })
    }

    // MARK: Files

    /// Takes a file that lies at `path`; it is moved.
    package func add(_ path: String, name: String, purpose: String, bytes: Int) async throws -> ShelfFile {
        let file = ShelfFile(id: Self.newID("file-"), name: name, purpose: purpose, bytes: bytes, created: now())
        do {
            try FileManager.default.moveItem(atPath: path, toPath: place(of: file.id))
        } catch {
            throw KnowledgeError(.failed, "The file could not be kept.")
        }
        files[file.id] = file
        try await write(["file/\(file.id)": file])
        return file
    }

    /// The latest first.
    package func list() -> [ShelfFile] {
        files.values.sorted { ($1.created, $1.id) < ($0.created, $0.id) }
    }

    package func file(_ id: String) throws(KnowledgeError) -> ShelfFile {
        guard let file = files[id] else { throw KnowledgeError(.notFound, "No such File object: \(id.prefix(80))") }
        return file
    }

    package func content(_ id: String) throws(KnowledgeError) -> StoredFile {
        let file = try file(id)
        return StoredFile(path: place(of: id), name: file.name, type: "application/octet-stream", bytes: file.bytes)
    }

    /// Removes a file, also from the stores it was put into.
    package func remove(_ id: String) async throws {
        _ = try file(id)
        for store in entries.filter({ $0.value[id] != nil }).keys { try await detach(id, from: store) }
        files[id] = nil
        try await book.write(["file/\(id)": nil])
        try? FileManager.default.removeItem(atPath: place(of: id))
    }

    func place(of id: String) -> String { folder.appendingPathComponent(id).path }
}
