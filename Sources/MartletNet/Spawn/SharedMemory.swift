import CMartlet
import Glibc
package import MartletBase
package import NIOCore

/// Memory that another process has too: a file without a name that nobody can make shorter or longer. It is gone with
/// the last of those who have it.
///
/// It is written and read with system calls and never mapped here: whatever the other process does with it, there is no
/// page of ours that could be missing, and no byte that changes between two looks at it.
package final class SharedMemory: Sendable {
    /// In bytes.
    package let size: Int
    private let file: OwnedDescriptor

    package init(_ name: String, size: Int) throws(MartletError) {
        // SAFETY: the name is terminated and lives through the call.
        let descriptor = unsafe martlet_shared_memory(name, size)
        guard descriptor >= 0 else {
            throw MartletError(.internalError, operation: "make shared memory", cause: systemMessage(-descriptor))
        }
        file = OwnedDescriptor(descriptor)
        self.size = size
    }

    /// To be handed over; it stays this value's.
    package var descriptor: CInt? { file.value }

    /// False: not all of the bytes could be written, for want of memory, or because they reach beyond the end.
    package func write(_ bytes: ByteBuffer, at offset: Int) -> Bool {
        guard let file = file.value, offset >= 0, bytes.readableBytes <= size - offset else { return false }
        var rest = bytes
        while rest.readableBytes > 0 {
            let place = off_t(offset + bytes.readableBytes - rest.readableBytes)
            // SAFETY: the kernel reads `count` bytes from the pointer during the call, no more than there are.
            let count = unsafe rest.withUnsafeReadableBytes { unsafe pwrite(file, $0.baseAddress, $0.count, place) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest.moveReaderIndex(forwardBy: count)
        }
        return true
    }

    /// A copy of `count` bytes; nil where they are not there.
    package func read(_ count: Int, at offset: Int) -> ByteBuffer? {
        guard let file = file.value, offset >= 0, count >= 0, count <= size - offset else { return nil }
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        while buffer.readableBytes < count {
            let (rest, place) = (count - buffer.readableBytes, off_t(offset + buffer.readableBytes))
            // SAFETY: the kernel writes no more than `rest` bytes, for which there is room.
            let received = unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: rest) { target in
                unsafe max(0, pread(file, target.baseAddress, rest, place))
            }
            guard received > 0 else { return nil }
        }
        return buffer
    }
}
