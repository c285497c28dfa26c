import Glibc

/// Uploaded files, kept beside the database under names that say nothing: no name of a document is ever a path.
struct KnowledgeFiles: Sendable {
    private static let pieceBytes = 1 << 20
    private static let partialSuffix = ".partial"

    let folder: String
    private let files: SystemFiles

    init(folder: String) throws(FilesError) {
        self.folder = folder
        files = try SystemFiles(folder: folder)
    }

    func path(_ id: String) -> String { folder + "/" + id }

    /// A copy of a file, which is on disk, name and all, when this returns.
    func take(_ path: String) throws(FilesError) -> SpooledFile {
        try take(try SystemFiles.read(path: path), as: Self.newID())
    }

    /// Copies a file of another folder under its own name.
    func copy(_ file: SpooledFile, from other: KnowledgeFiles) throws(FilesError) {
        _ = try take(try other.files.read(file.id), as: file.id)
    }

    private func take(_ source: any ReadableFile, as id: String) throws(FilesError) -> SpooledFile {
        let partial = id + Self.partialSuffix
        do throws(FilesError) {
            let copy = try files.create(partial)
            let (bytes, checksum) = try Self.read(source) { (piece) throws(FilesError) in try copy.write(piece) }
            try copy.sync()
            try files.rename(partial, to: id)
            try files.syncFolder()
            return SpooledFile(id: id, bytes: bytes, checksum: checksum)
        } catch {
            try? files.remove(partial)
            throw error
        }
    }

    /// Not an error when it cannot be: nobody knows it any more, and the next opening tries again.
    func remove(_ id: String) { try? files.remove(id) }

    /// Removes what a process left that ended before it was done.
    func removeAll(but known: Set<String>) throws(FilesError) {
        for name in try files.list() where !known.contains(name) { remove(name) }
    }

    /// What is wrong with a file; nil: nothing.
    func flaw(of file: SpooledFile) -> String? {
        do throws(FilesError) {
            let (bytes, checksum) = try Self.read(try files.read(file.id)) { _ in }
            guard bytes == file.bytes else { return "has \(bytes) bytes and not \(file.bytes)" }
            return checksum == file.checksum ? nil : "is not what was written"
        } catch {
            return "\(error)"
        }
    }

    /// Reads a file from its beginning to its end.
    private static func read(
        _ file: any ReadableFile, _ each: ([UInt8]) throws(FilesError) -> Void
    ) throws(FilesError) -> (bytes: Int, checksum: UInt32) {
        var (place, checksum) = (0, CRC32C())
        while true {
            let piece = try file.read(at: place, count: pieceBytes)
            guard !piece.isEmpty else { return (place, checksum.value) }
            checksum.add(piece.span)
            try each(piece)
            place += piece.count
        }
    }

    private static func newID() -> String {
        let (high, low) = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))
        return String(high, radix: 36) + "-" + String(low, radix: 36)
    }
}
