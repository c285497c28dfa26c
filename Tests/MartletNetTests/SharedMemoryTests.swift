import Glibc
import MartletNet
import NIOCore
import Testing

@Suite struct SharedMemoryTests {
    @Test func keepsWhatIsWrittenWhereItIsWritten() throws {
        let memory = try SharedMemory("test", size: 1 << 20)
        let bytes = ByteBuffer(repeating: 7, count: 300_000)
        #expect(memory.write(bytes, at: 4096))
        #expect(memory.read(300_000, at: 4096) == bytes)
        #expect(memory.read(2, at: 4095) == ByteBuffer(bytes: [0, 7]))
        #expect(memory.read(0, at: 1 << 20) == ByteBuffer())
    }

    @Test func reachesNowhereBeyondItsEnds() throws {
        let memory = try SharedMemory("test", size: 8192)
        let bytes = ByteBuffer(repeating: 7, count: 100)
        for offset in [-1, 8093, 8192, Int.max, Int.min] {
            #expect(!memory.write(bytes, at: offset))
            #expect(memory.read(100, at: offset) == nil)
        }
        #expect(memory.read(-1, at: 0) == nil)
        #expect(memory.read(Int.max, at: 1) == nil)
    }

    @Test func nobodyCanMakeItShorterOrLonger() throws {
        let memory = try SharedMemory("test", size: 8192)
        let descriptor = try #require(memory.descriptor)
        for size in [0, 4096, 1 << 20] {
            #expect(ftruncate(descriptor, size) == -1 && errno == EPERM)
        }
        #expect(memory.read(8192, at: 0) != nil)
    }
}
