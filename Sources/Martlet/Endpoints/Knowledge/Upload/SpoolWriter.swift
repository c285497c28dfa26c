import Foundation
import MartletKnowledge
import NIOCore
import NIOPosix

/// A file that was uploaded.
struct SpooledFile: Sendable, Equatable {
    /// Of the form.
    var field: String
    /// As its sender calls it.
    var name: String
    /// On this machine's disk, until its folder is removed.
    var path: String
    var bytes: Int
}

/// A form whose files are on the disk.
struct UploadedForm: Sendable {
    /// In their order; values as text.
    var fields: [(name: String, value: String)] = []
    var files: [SpooledFile] = []
    let folder: SpoolFolder
}

/// Writes a file in large pieces, off the threads that answer requests.
struct SpoolWriter {
    private static let pieceBytes = 256 << 10

    private var file: SpooledFile
    private let folder: SpoolFolder
    /// Closed when it is let go.
    private let handle: FileHandle
    private var pending = ByteBuffer()

    init(_ file: SpooledFile, in folder: SpoolFolder) throws {
        (self.file, self.folder) = (file, folder)
        guard FileManager.default.createFile(atPath: file.path, contents: nil),
            let handle = FileHandle(forWritingAtPath: file.path)
        else { throw Self.failure(file.name) }
        self.handle = handle
    }

    mutating func write(_ bytes: ByteBuffer) async throws {
        try folder.reserve(bytes.readableBytes)
        file.bytes += bytes.readableBytes
        pending.writeImmutableBuffer(bytes)
        if pending.readableBytes >= Self.pieceBytes { try await flush() }
    }

    mutating func end() async throws -> SpooledFile {
        try await flush()
        try? handle.close()
        return file
    }

    private mutating func flush() async throws {
        guard pending.readableBytes > 0 else { return }
        let data = Data(pending.readableBytesView)
        pending.clear()
        do {
            try await NIOThreadPool.singleton.runIfActive { [handle] in try handle.write(contentsOf: data) }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw Self.failure(file.name)
        }
    }

    private static func failure(_ name: String) -> KnowledgeError {
        KnowledgeError(.failed, "The upload of \(name.prefix(200)) could not be written to the disk.")
    }
}
