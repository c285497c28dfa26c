package import NIOCore

/// Write buffers that are used again: one request gathers its head and small pieces in one of them, and as a rule the
/// kernel has taken it when the turn of the event loop ends. Confined to one loop.
package struct BufferPool {
    private static let capacity = 2048
    private static let limit = 64
    private var free: [ByteBuffer] = []

    package init() {}

    /// An empty buffer.
    package mutating func take() -> ByteBuffer {
        free.popLast() ?? ByteBufferAllocator().buffer(capacity: Self.capacity)
    }

    /// A buffer that grew large is left to the allocator.
    ///
    /// Takes the buffer away from its owner: storage that someone else still holds would be allocated anew.
    package mutating func give(_ buffer: inout ByteBuffer) {
        if free.count < Self.limit, buffer.storageCapacity <= 4 * Self.capacity {
            // Cleared before it is stored: storage that a pending write still reads is replaced, not overwritten.
            buffer.clear(minimumCapacity: Self.capacity)
            free.append(buffer)
        }
        buffer = ByteBuffer()
    }
}
