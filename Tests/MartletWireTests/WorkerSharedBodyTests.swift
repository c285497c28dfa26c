import MartletBase
import MartletWire
import NIOCore
import Testing

@Suite("Bodies in shared memory are read and written as the protocol says")
struct WorkerSharedBodyTests {
    private static let part = 4096..<8192

    private static func reference(_ offset: UInt64, _ length: UInt64, _ generation: UInt32 = 9) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(offset, length, generation, endianness: .little)
        return Array(buffer.readableBytesView)
    }

    /// A frame with one item.
    private static func frame(_ type: UInt8, flags: UInt16 = 4, _ body: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(
            UInt32(20 + body.count), type, UInt8(0), UInt16(1), UInt64(0), endianness: .little)
        buffer.writeMultipleIntegers(UInt64(7), UInt16(200), flags, UInt32(0), UInt32(body.count), endianness: .little)
        buffer.writeBytes(body)
        return buffer
    }

    private static func item(_ bytes: ByteBuffer, _ part: Range<Int>? = part) throws -> WorkerItem? {
        var parser = WorkerFrameParser(shared: part)
        var input = bytes
        guard case .item(_, let item) = try parser.next(&input) else { return nil }
        return item
    }

    @Test("An answer's body is what the reference says, within the worker's part")
    func answer() throws {
        for (offset, length) in [(4096, 4096), (8191, 1), (8192, 0), (5000, 0)] {
            let item = try #require(try Self.item(Self.frame(67, Self.reference(UInt64(offset), UInt64(length)))))
            #expect(item.shared == WorkerSharedBody(offset: offset, length: length, generation: 9))
            #expect(item.body.readableBytes == 0 && item.id == 7)
        }
    }

    @Test(
        "What reaches beyond it ends the connection",
        arguments: [
            (4095, 1), (0, 0), (4096, 4097), (8191, 2), (8193, 0), (4096, .max), (.max, 1), (.max, .max),
            (1 << 63, 1 << 63), (4096, (1 << 63) - 1),
        ] as [(UInt64, UInt64)])
    func outside(offset: UInt64, length: UInt64) {
        #expect(throws: WireError.self) { try Self.item(Self.frame(67, Self.reference(offset, length))) }
    }

    @Test("So does a reference of another length, one in another frame, and one where nothing is shared")
    func misplaced() {
        let reference = Self.reference(4096, 1)
        for body in [[], Array(reference.dropLast()), reference + [0]] {
            #expect(throws: WireError.self) { try Self.item(Self.frame(67, body)) }
        }
        for type in [68, 69, 71, 75] as [UInt8] {
            #expect(throws: WireError.self) { try Self.item(Self.frame(type, reference)) }
        }
        #expect(throws: WireError.self) { try Self.item(Self.frame(67, flags: 5, reference)) }
        #expect(throws: WireError.self) { try Self.item(Self.frame(67, reference), nil) }
        #expect(throws: WireError.self) { try Self.item(Self.frame(75, flags: 0, []), nil) }
    }

    @Test("What is released is said with its place and generation")
    func release() throws {
        var buffer = ByteBuffer()
        WorkerFrameWriter.release(WorkerSharedBody(offset: 4096, length: 5, generation: 9), into: &buffer)
        #expect(buffer.getInteger(at: 4, as: UInt8.self) == 8)
        // The other way it looks the same but for its type.
        buffer.setInteger(UInt8(75), at: 4)
        #expect(try Self.item(buffer)?.shared == WorkerSharedBody(offset: 4096, length: 0, generation: 9))
    }

    @Test("A request whose body lies there is sent whole in its batch")
    func request() throws {
        var request = try WorkerRequest(id: 7, meta: ByteBuffer(), body: ByteBuffer(repeating: 1, count: 1 << 20))
        request.lies(at: WorkerSharedBody(offset: 4096, length: 1 << 20, generation: 3))
        #expect(request.isSent)
        let small = try WorkerRequest(id: 8, meta: ByteBuffer(), body: ByteBuffer(repeating: 1, count: 65_530))
        var (requests, buffer) = ([small, request], ByteBuffer())
        WorkerFrameWriter.exec(batch: 1, &requests, now: Instant(nanoseconds: 1_000_000_000), into: &buffer)
        let areSent = requests.allSatisfy(\.isSent)
        #expect(areSent)
        #expect(Array(buffer.readableBytesView.suffix(20)) == Self.reference(4096, 1 << 20, 3))
        #expect(buffer.getInteger(at: 16 + 20 + 65_530 + 10, endianness: .little, as: UInt16.self) == 4)
    }
}
