package import NIOCore

/// Sizes of the buffers that a socket is read into, one for each read: small work gets small ones, a socket whose
/// buffers are filled gets larger ones.
///
/// NIO's own allocators keep the buffer of the last read with its channel for as long as that lives, 2 KiB at least: of
/// ten thousand streams that wait for their next token, 40 MB. Here a buffer is gone when its bytes have been relayed.
/// A channel still keeps the first buffer that it was given, whatever the allocator says, so the first one is small.
///
/// The price: an allocation for each read, of a size that the C library has at hand, and one more read for the first
/// head on each connection.
package struct ReadBuffers: RecvByteBufferAllocator {
    private static let first = 16
    /// Holds most requests to models, so that they are read, and passed on, in one piece.
    private static let usual = 2048
    /// The C library's fast path for small allocations ends a little above.
    private static let smallest = 1024
    private static let largest = 64 << 10
    /// The end of a message comes in a small read of its own: it takes several of them in a row to say anything.
    private static let smallReads = 8

    private var size = ReadBuffers.first
    private var smallInARow = 0

    /// Has a connection read by these rules. On its own event loop.
    package static func apply(to channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        // A channel keeps as many buffers as it may read in one turn of the loop.
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(.recvAllocator, value: ReadBuffers())
    }

    package func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: size) }

    /// None: a size would have the channel keep buffers.
    package func nextBufferSize() -> Int? { nil }

    /// True always, which has the channel ask for a buffer of its own for the next read.
    package mutating func record(actualReadBytes count: Int) -> Bool {
        smallInARow = count < size / 4 ? smallInARow + 1 : 0
        if size < Self.smallest {
            size = Self.usual
        } else if count >= size {
            size = min(2 * size, Self.largest)
        } else if smallInARow == Self.smallReads {
            size = max(size / 2, Self.smallest)
            smallInARow = 0
        }
        return true
    }
}
