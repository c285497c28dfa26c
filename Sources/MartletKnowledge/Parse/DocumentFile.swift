import Glibc
import MartletBase
import MartletNet

/// A file that is read, closed with its last reference.
final class DocumentFile: Sendable {
    static let chunkBytes = 64 << 10

    let size: Int
    private let descriptor: OwnedDescriptor
    private let reading: Reading

    /// - Throws: `KnowledgeError`: there is no such file, it is none, or it is larger than its bound.
    init(_ path: String, _ reading: Reading) throws {
        // Without O_NONBLOCK a pipe would be waited for.
        // SAFETY: the path lives through the call.
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard opened >= 0 else {
            throw KnowledgeError(
                errno == ENOENT ? .notFound : .failed, "\(reading.name) cannot be opened: \(systemMessage(errno))")
        }
        descriptor = OwnedDescriptor(opened)
        self.reading = reading
        var status = stat()
        // SAFETY: the call writes one status.
        guard unsafe fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw reading.unreadable("it is no file")
        }
        size = Int(status.st_size)
        guard size > 0 else { throw reading.unreadable("it is empty") }
        guard size <= reading.limits.fileBytes else {
            throw reading.tooLarge("it is larger than \(ByteCount.text(reading.limits.fileBytes))")
        }
    }

    /// So many bytes, fewer only at the end.
    func read(at offset: Int, count: Int) throws -> [UInt8] {
        try reading.check()
        guard let file = descriptor.value, offset >= 0, offset < size else { return [] }
        let wanted = min(count, size - offset)
        // SAFETY: the bytes from 0 to `filled` are written before they count.
        return try unsafe [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
            while filled < wanted {
                let place = unsafe buffer.baseAddress.map { unsafe $0 + filled }
                // SAFETY: no more than there is room for.
                let received = unsafe pread(file, place, wanted - filled, off_t(offset + filled))
                if received < 0, errno == EINTR { continue }
                guard received > 0 else {
                    let reason = received < 0 ? systemMessage(errno) : "it became shorter meanwhile"
                    throw KnowledgeError(.failed, "\(reading.name) cannot be read: \(reason)")
                }
                filled += received
            }
        }
    }

    /// All bytes from an offset on, in pieces.
    func eachChunk(from start: Int = 0, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        var offset = start
        while offset < size {
            let chunk = try read(at: offset, count: Self.chunkBytes)
            offset += chunk.count
            try body(chunk[...])
        }
    }
}
