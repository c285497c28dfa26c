import Foundation
import MartletStore
import Synchronization
import Testing

/// A store in a folder of its own, and what a test puts into it.
struct KnowledgeFolder: Sendable {
    let url: URL

    static func run(_ body: (KnowledgeFolder) async throws -> Void) async throws {
        let name = "knowledge-\(UInt64.random(in: .min ... .max))"
        let folder = KnowledgeFolder(url: FileManager.default.temporaryDirectory.appendingPathComponent(name))
        defer { try? FileManager.default.removeItem(at: folder.url) }
        try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
        try await body(folder)
    }

    var store: String { path("store") }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// The files of the store as they are this moment: what is left of a process that is killed now.
    func copy(_ name: String) throws {
        try FileManager.default.copyItem(atPath: store, toPath: path(name))
    }

    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: url.appendingPathComponent(name))
        return path(name)
    }

    static let model = (name: "model", version: "1", dimensions: 3)

    static func document(_ name: String, _ texts: [String], file: SpooledFile? = nil) -> NewDocument {
        var start = 0
        let chunks = texts.enumerated().map { index, text in
            defer { start += text.unicodeScalars.count }
            return NewDocument.Chunk(
                text: text, range: start..<start + text.unicodeScalars.count, marks: "{}", key: Array(text.utf8),
                vector: [Float(index), 0.5, -1])
        }
        return NewDocument(
            name: name, type: "text/plain", bytes: 7, added: 1.5, metadata: "{}", hash: "00", text: texts.joined(),
            marks: "[]", chunks: chunks, file: file)
    }
}

extension KnowledgeStore {
    func createBase(_ name: String) async throws -> BaseRecord {
        let model = KnowledgeFolder.model
        return try await createBase(
            name, description: "", created: 1, model: model.name, version: model.version, dimensions: model.dimensions)
    }

    func put(_ document: NewDocument, in base: BaseRecord) async throws -> CommittedChange {
        try await put(document, in: base.name, space: base.space) { _ in }
    }

    /// The texts of all documents of a base, by their names, as far as their chunks are all there with their vectors.
    func contents(of base: String) throws -> [String: String] {
        let texts = Mutex<[String: String]>([:])
        _ = try load(base) { found in
            texts.withLock { $0[found.chunk.name, default: ""] += found.chunk.text }
        }
        return texts.withLock { $0 }
    }
}
