@testable import MartletNet
import NIOCore
import Testing

@Suite struct ReadBuffersTests {
    @Test func sizesFollowWhatIsRead() {
        var buffers = ReadBuffers()
        func size() -> Int { buffers.buffer(allocator: ByteBufferAllocator()).storageCapacity }
        #expect(size() == 16, "the one that the channel keeps")
        _ = buffers.record(actualReadBytes: 16)
        #expect(size() == 2048)
        for expected in [4096, 8192, 16384, 32768, 65536, 65536] {
            _ = buffers.record(actualReadBytes: size())
            #expect(size() == expected)
        }
        for _ in 0..<20 { _ = buffers.record(actualReadBytes: 20_000) }
        #expect(size() == 65_536, "no smaller for reads that are not full")
        for expected in [32768, 16384, 8192, 4096, 2048, 1024, 1024] {
            for _ in 0..<8 { _ = buffers.record(actualReadBytes: 100) }
            #expect(size() == expected)
        }
    }

    @Test func theEndOfAMessageInAReadOfItsOwnChangesNothing() {
        var buffers = ReadBuffers()
        for count in [16, 2048] { _ = buffers.record(actualReadBytes: count) }
        for _ in 0..<100 {
            for count in [3000, 300] { _ = buffers.record(actualReadBytes: count) }
            #expect(buffers.buffer(allocator: ByteBufferAllocator()).storageCapacity == 4096)
        }
    }

    /// NIO may change what it keeps for a channel: this pins what the memory of ten thousand streams rests on.
    @Test func aConnectionKeepsNoBufferBetweenReads() {
        var pool = NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: ReadBuffers())
        for _ in 0..<5 {
            _ = pool.buffer(allocator: ByteBufferAllocator()) { $0.writeRepeatingByte(1, count: 16) }
            pool.record(actualReadBytes: 16)
        }
        #expect(pool.count == 1, "the first")
        var (mine, _) = pool.buffer(allocator: ByteBufferAllocator()) { $0.writeRepeatingByte(1, count: 16) }
        pool.record(actualReadBytes: 16)
        #expect(mine.storageCapacity == 2048)
        #expect(mine.modifyIfUniquelyOwned { _ in true } == true, "nobody else has it")
    }
}
