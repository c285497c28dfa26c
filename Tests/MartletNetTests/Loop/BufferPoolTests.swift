import MartletNet
import NIOCore
import Testing

@Suite("Buffer pool")
struct BufferPoolTests {
    @Test("a buffer given back is empty when it is taken again, its owner's copy included")
    func emptied() {
        var pool = BufferPool()
        var buffer = pool.take()
        buffer.writeString("secret of one request")
        pool.give(&buffer)
        #expect(buffer.readableBytes == 0)
        var again = pool.take()
        #expect(again.readableBytes == 0)
        #expect(again.readerIndex == 0)
        again.writeString("another")
        #expect(String(buffer: again) == "another")
    }

    @Test("bytes that a pending write still holds are not overwritten")
    func pendingWriteKeepsItsBytes() {
        var pool = BufferPool()
        var buffer = pool.take()
        buffer.writeString("pending")
        let pending = buffer
        pool.give(&buffer)
        var next = pool.take()
        next.writeString("overwrites")
        #expect(String(buffer: pending) == "pending")
        #expect(String(buffer: next) == "overwrites")
    }

    @Test("a buffer that grew large is not kept")
    func largeOnesGo() {
        var pool = BufferPool()
        let usual = pool.take().storageCapacity
        var large = ByteBufferAllocator().buffer(capacity: 1 << 20)
        pool.give(&large)
        #expect(pool.take().storageCapacity == usual)
    }
}
