import Glibc

/// A file that one process at a time has locked. The lock ends with its owner, and with the process, however that ends.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Makes the file if it is not there. nil: another process has it.
    static func take(_ path: String) throws(FilesError) -> FileLock? {
        // SAFETY: the path lives through the call.
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FilesError("lock", path, errno) }
        let lock = FileLock(descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if errno == EWOULDBLOCK { return nil }
            throw FilesError("lock", path, errno)
        }
        return lock
    }

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
