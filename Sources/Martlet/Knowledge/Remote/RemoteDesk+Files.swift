import Foundation
import MartletKnowledge
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

// Files, to a server and from it.
extension RemoteDesk {
    func add(_ file: IncomingFile, to base: String, _ options: IngestOptions) async throws -> Added {
        let upload = try FormUpload(file, fields: try Self.fields(options, file.metadata))
        var added: Added?
        try await server.events(
            try KnowledgeServer.path(base, "/documents"), contentType: upload.contentType, upload.body
        ) { [server] event, fields in
            switch event.name {
            case "progress":
                let (done, count) = try server.progress(fields)
                options.progress(done, count)
            case "added": added = try server.read { () throws(FieldFlaw) in try Added(fields, base: base) }
            case "failed": throw KnowledgeError(status: 422, ["error": .object(fields.values)], "")
            default: break
            }
        }
        guard let added else {
            throw KnowledgeError(.unavailable, "The server did not say what became of \(file.name).")
        }
        return added
    }

    private static func fields(
        _ options: IngestOptions, _ metadata: [String: MetadataValue]
    ) throws(KnowledgeError) -> [(name: String, value: String)] {
        guard options.given == nil else {
            throw KnowledgeError(.invalid, "Chunks that were made by hand cannot be sent to a server.")
        }
        let (splitting, size, overlap) =
            switch options.splitting {
            case .headings(let size, let overlap): ("headings", size, overlap)
            case .chatchat(let size, let overlap, _): ("chatchat", size, overlap)
            }
        return [
            ("splitting", splitting), ("chunk_size", "\(size)"), ("chunk_overlap", "\(overlap)"),
            ("replace", "\(options.replaces)"), ("metadata", JSON(metadata).text),
        ]
    }

    func file(_ name: String, in base: String) async throws -> StoredFile {
        try await server.call(.get, try KnowledgeServer.path(base, document: name, "/file")) { [fetched] reply in
            let path = try fetched.begin()
            guard let handle = FileHandle(forWritingAtPath: path) else {
                throw KnowledgeError(.failed, "\(path) cannot be written.")
            }
            var bytes = 0
            while let piece = try await reply.next() {
                try handle.write(contentsOf: Data(piece.readableBytesView))
                bytes += piece.readableBytes
            }
            let type = reply.headers.value(.contentType) ?? "application/octet-stream"
            return StoredFile(path: path, name: name, type: type, bytes: bytes)
        }
    }
}

/// Copies of a server's files, in a folder that is made with the first one.
final class FetchedFiles: Sendable {
    private let state = Mutex((folder: String?.none, count: 0))

    deinit { remove() }

    /// The path of an empty file.
    func begin() throws -> String {
        try state.withLock { state in
            let folder = state.folder ?? FileManager.default.temporaryDirectory.path + "/martlet-\(UUID().text)"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            state = (folder, state.count + 1)
            let path = "\(folder)/\(state.count)"
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw KnowledgeError(.failed, "\(path) cannot be written.")
            }
            return path
        }
    }

    func remove() {
        state.withLock { state in
            if let folder = state.folder { try? FileManager.default.removeItem(atPath: folder) }
            state.folder = nil
        }
    }
}
