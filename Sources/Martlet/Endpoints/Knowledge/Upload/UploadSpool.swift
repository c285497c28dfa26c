import Foundation
import MartletBase
import MartletExchange
import MartletKnowledge
import MartletWire
import NIOCore
import Synchronization

/// Where uploads lie on the disk until they are read: no name of a client's is a path here, and what is there goes with
/// the request it came with.
final class UploadSpool: Sendable {
    /// Of all fields of a form that are no files.
    private static let fieldBytes = 8 << 20
    /// Parts of a form: each is a file or a value, however little it holds.
    private static let mostParts = 20_000

    private let folder: URL
    /// Bytes of all uploads that are on the disk at a time.
    private let limit: Int
    private let used = Mutex((bytes: 0, folders: 0))

    /// - Parameters:
    ///   - folder: Its own: what a former process left there is removed.
    ///   - limit: In bytes, of all uploads at a time.
    /// - Throws: Foundation's errors, where the folder cannot be made.
    init(folder: String, limit: Int) throws {
        self.folder = URL(fileURLWithPath: folder, isDirectory: true)
        self.limit = limit
        try? FileManager.default.removeItem(at: self.folder)
        try FileManager.default.createDirectory(
            at: self.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    /// Bytes that are on the disk, for tests and figures.
    var usedBytes: Int { used.withLock(\.bytes) }

    /// Takes a form; its files are on the disk until its folder is removed.
    ///
    /// - Throws: `KnowledgeError.invalid` where it is no form, `tooLarge`, `overloaded` where too much is on its way,
    ///   `failed` where the disk does not take it; `CancellationError`.
    func form(_ request: LocalRequest, _ body: LocalBody) async throws -> UploadedForm {
        let type = request.headers.value(.contentType) ?? ""
        do {
            guard let reader = try MultipartReader(contentType: type) else {
                throw KnowledgeError(.invalid, "Send multipart/form-data.")
            }
            return try await form(reader, body)
        } catch let flaw as MultipartFlaw {
            if case .tooLarge(let text) = flaw { throw KnowledgeError(.tooLarge, "The upload is refused: \(text).") }
            throw KnowledgeError(.invalid, "The upload is refused: \(flaw.text).")
        }
    }

    private func form(_ reader: MultipartReader, _ body: LocalBody) async throws -> UploadedForm {
        var form = UploadedForm(folder: try begin())
        var (reader, input, fieldBytes, parts) = (reader, ByteBuffer(), 0, 0)
        var part: Part?
        for try await piece in body {
            input.writeImmutableBuffer(piece)
            reading: while true {
                switch try reader.next(&input) {
                case .part(let head):
                    parts += 1
                    guard parts <= Self.mostParts else {
                        throw KnowledgeError(.tooLarge, "The form has more than \(Self.mostParts) parts.")
                    }
                    part = try form.folder.begin(head)
                case .bytes(let bytes):
                    if case .field = part { fieldBytes += bytes.readableBytes }
                    guard fieldBytes <= Self.fieldBytes else {
                        throw KnowledgeError(.tooLarge, "The fields of the form have more than 8 MiB.")
                    }
                    try await part?.take(bytes)
                case .partEnd:
                    try await part?.end(&form)
                    part = nil
                case .end, .needMore: break reading
                }
            }
            input.discardReadBytes()
        }
        try reader.finish()
        return form
    }

    /// Takes a body that is a file itself.
    func file(_ name: String, _ body: LocalBody) async throws -> UploadedForm {
        var form = UploadedForm(folder: try begin())
        var part = try form.folder.begin(FormPart(name: "file", filename: name))
        for try await piece in body { try await part.take(piece) }
        try await part.end(&form)
        return form
    }

    /// Takes texts as files, which nobody uploaded.
    func texts(_ texts: [(name: String, text: String)]) async throws -> UploadedForm {
        var form = UploadedForm(folder: try begin())
        for (name, text) in texts {
            var part = try form.folder.begin(FormPart(name: "file", filename: name))
            try await part.take(ByteBuffer(string: text))
            try await part.end(&form)
        }
        return form
    }

    private func begin() throws -> SpoolFolder {
        let number = used.withLock { used in
            used.folders += 1
            return used.folders
        }
        let path = folder.appendingPathComponent("\(number)", isDirectory: true)
        do {
            try FileManager.default.createDirectory(at: path, withIntermediateDirectories: false)
        } catch {
            throw KnowledgeError(.failed, "The upload could not be written to the disk.")
        }
        return SpoolFolder(path, of: self)
    }

    // MARK: For folders

    fileprivate func reserve(_ bytes: Int) throws {
        let isRefused = used.withLock { used in
            guard used.bytes + bytes <= limit else { return true }
            used.bytes += bytes
            return false
        }
        if isRefused { throw KnowledgeError(.overloaded, "Too many uploads are on their way: try again soon.") }
    }

    fileprivate func giveBack(_ bytes: Int) {
        used.withLock { $0.bytes -= bytes }
    }
}

/// The files of one request. Whoever has them removes them; they go in any case when nobody holds it any more.
final class SpoolFolder: Sendable {
    private let url: URL
    private let spool: UploadSpool
    private let state = Mutex((files: 0, bytes: 0))

    fileprivate init(_ url: URL, of spool: UploadSpool) {
        (self.url, self.spool) = (url, spool)
    }

    deinit { remove() }

    /// Removes what is there. Doing it twice does no harm.
    func remove() {
        try? FileManager.default.removeItem(at: url)
        let bytes = state.withLock { state in
            defer { state.bytes = 0 }
            return state.bytes
        }
        spool.giveBack(bytes)
    }

    fileprivate func begin(_ head: FormPart) throws -> Part {
        guard let name = head.filename else { return .field(head.name, ByteBuffer()) }
        let number = state.withLock { state in
            state.files += 1
            return state.files
        }
        let file = SpooledFile(
            field: head.name, name: name, path: url.appendingPathComponent("\(number)").path, bytes: 0)
        return .file(try SpoolWriter(file, in: self))
    }

    func reserve(_ bytes: Int) throws {
        try spool.reserve(bytes)
        state.withLock { $0.bytes += bytes }
    }
}

/// A part of a form on its way.
private enum Part {
    case field(String, ByteBuffer)
    case file(SpoolWriter)

    mutating func take(_ bytes: ByteBuffer) async throws {
        switch self {
        case .field(let name, var held):
            held.writeImmutableBuffer(bytes)
            self = .field(name, held)
        case .file(var writer):
            try await writer.write(bytes)
            self = .file(writer)
        }
    }

    mutating func end(_ form: inout UploadedForm) async throws {
        switch self {
        case .field(let name, let held): form.fields.append((name, String(buffer: held)))
        case .file(var writer):
            let file = try await writer.end()
            // What a browser sends for a file that nobody chose.
            if !file.name.isEmpty || file.bytes > 0 { form.files.append(file) }
        }
    }
}
