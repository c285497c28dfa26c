import Glibc
import Synchronization

/// The files of a folder on disk. Only their owner may read them.
package final class SystemFiles: Files {
    package let folder: String
    private let descriptor: Descriptor
    private let lockFile = Mutex<FileLock?>(nil)

    private static let lockName = "lock"

    /// Makes the folder if it is not there; its parent must be.
    package init(folder: String) throws(FilesError) {
        self.folder = folder
        // SAFETY: the path lives through the call.
        let isNew = unsafe mkdir(folder, 0o700) == 0
        guard isNew || errno == EEXIST else { throw FilesError("make folder", folder, errno) }
        // SAFETY: as above.
        let opened = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw FilesError("open folder", folder, errno) }
        descriptor = Descriptor(opened)
        // The folder's own name must survive too. Who gave us a folder may keep the one above it closed.
        // SAFETY: as above.
        let parent = unsafe openat(opened, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else {
            if !isNew, errno == EACCES { return }
            throw FilesError("open the folder above", folder, errno)
        }
        defer { close(parent) }
        guard fsync(parent) == 0 else { throw FilesError("sync the folder above", folder, errno) }
    }

    package func lock() throws(FilesError) -> Bool {
        guard let taken = try FileLock.take(path(Self.lockName)) else { return false }
        lockFile.withLock { $0 = taken }
        return true
    }

    package func unlock() {
        lockFile.withLock { $0 = nil }
    }

    package func list() throws(FilesError) -> [String] {
        // SAFETY: the name lives through the call; the stream owns the descriptor.
        guard let stream = unsafe fdopendir(openat(descriptor.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) else {
            throw FilesError("list", folder, errno)
        }
        // SAFETY: opened above, closed once.
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            // SAFETY: the entry is valid until the next call on the stream.
            guard let entry = unsafe readdir(stream) else { break }
            // SAFETY: the name ends with a zero within the entry; it is copied at once.
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw FilesError("list", folder, errno) }
        return names
    }

    package func create(_ name: String) throws(FilesError) -> any WritableFile {
        let file = try openFile(name, O_WRONLY | O_CREAT | O_TRUNC, "create")
        return SystemWritableFile(file, path: path(name))
    }

    package func read(_ name: String) throws(FilesError) -> any ReadableFile {
        try Self.readable(try openFile(name, O_RDONLY, "open"), path(name))
    }

    /// A file anywhere.
    static func read(path: String) throws(FilesError) -> any ReadableFile {
        // SAFETY: the path lives through the call.
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { throw FilesError("open", path, errno) }
        return try readable(Descriptor(opened), path)
    }

    private static func readable(_ file: Descriptor, _ path: String) throws(FilesError) -> any ReadableFile {
        var facts = stat()
        // SAFETY: one structure, as the type says.
        guard unsafe fstat(file.number, &facts) == 0 else { throw FilesError("look at", path, errno) }
        return SystemReadableFile(file, path: path, size: Int(facts.st_size))
    }

    package func truncate(_ name: String, to bytes: Int) throws(FilesError) {
        let file = try openFile(name, O_WRONLY, "open")
        guard ftruncate(file.number, bytes) == 0, fsync(file.number) == 0 else {
            throw FilesError("truncate", path(name), errno)
        }
    }

    package func rename(_ name: String, to new: String) throws(FilesError) {
        // SAFETY: the names live through the call.
        guard unsafe renameat(descriptor.number, name, descriptor.number, new) == 0 else {
            throw FilesError("rename", path(name), errno)
        }
    }

    package func remove(_ name: String) throws(FilesError) {
        // SAFETY: the name lives through the call.
        guard unsafe unlinkat(descriptor.number, name, 0) == 0 || errno == ENOENT else {
            throw FilesError("remove", path(name), errno)
        }
    }

    package func syncFolder() throws(FilesError) {
        guard fsync(descriptor.number) == 0 else { throw FilesError("sync folder", folder, errno) }
    }

    /// What somebody else wrote.
    func sync(_ name: String) throws(FilesError) {
        let file = try openFile(name, O_RDONLY, "open")
        guard fsync(file.number) == 0 else { throw FilesError("sync", path(name), errno) }
    }

    private func path(_ name: String) -> String { folder + "/" + name }

    private func openFile(_ name: String, _ flags: Int32, _ operation: String) throws(FilesError) -> Descriptor {
        // SAFETY: the name lives through the call.
        let opened = unsafe openat(descriptor.number, name, flags | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw FilesError(operation, path(name), errno) }
        return Descriptor(opened)
    }
}

/// An open file, closed with its last owner.
private final class Descriptor: Sendable {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    deinit { close(number) }
}

private final class SystemWritableFile: WritableFile {
    private let file: Descriptor
    private let path: String

    init(_ file: Descriptor, path: String) {
        self.file = file
        self.path = path
    }

    func write(_ bytes: [UInt8]) throws(FilesError) {
        var written = 0
        while written < bytes.count {
            // SAFETY: reads at most the array's bytes, within the closure.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                return unsafe Glibc.write(file.number, rest.baseAddress, rest.count)
            }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw FilesError("write", path, errno)
            }
        }
    }

    func reserve(upTo bytes: Int) {
        // Where the file system cannot, or has no room, the write itself will tell.
        _ = posix_fallocate(file.number, 0, bytes)
    }

    func sync() throws(FilesError) {
        guard fdatasync(file.number) == 0 else { throw FilesError("sync", path, errno) }
    }
}

private final class SystemReadableFile: ReadableFile {
    let size: Int
    private let file: Descriptor
    private let path: String

    init(_ file: Descriptor, path: String, size: Int) {
        self.file = file
        self.path = path
        self.size = size
    }

    func read(at offset: Int, count: Int) throws(FilesError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, min(count, size - offset)))
        var filled = 0
        while filled < bytes.count {
            // SAFETY: writes at most the array's bytes, within the closure.
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                return unsafe pread(file.number, rest.baseAddress, rest.count, offset + filled)
            }
            if count == 0 { break }
            if count > 0 {
                filled += count
            } else if errno != EINTR {
                throw FilesError("read", path, errno)
            }
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }
}

extension FilesError {
    /// An errno with the system's words for it.
    init(_ operation: String, _ file: String, _ code: Int32) {
        // SAFETY: a C string, copied at once.
        self.init(operation: operation, file: file, code: code, reason: unsafe String(cString: strerror(code)))
    }
}
