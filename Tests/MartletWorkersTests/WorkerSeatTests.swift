import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import NIOPosix
import Testing

@testable import MartletWorkers

@Suite("Long bodies on their way to a worker", .timeLimit(.minutes(1))) struct WorkerSeatTests {
    private static let bodyBytes = 5 << 20

    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let peer: RawPeer
    private let seat: WorkerSeat

    init() throws {
        let group = WorkerGroup(
            WorkerAPI(path: "/predict"), policy: BatchPolicy(), answerWithin: .seconds(1), clock: loop)
        let (socket, arena) = (try ChildSocket(), try WorkerArena("martlet-test", half: 16 << 20))
        peer = RawPeer(socket)
        let link = WorkerLink(socket, on: loop, sharing: arena, delegate: LinkEvents())
        seat = WorkerSeat(WorkerNumber(1), of: group, link: link, sharing: arena) {}
        seat.sharesMemory()
    }

    private static func request(_ id: UInt64) throws -> WorkerRequest {
        let body = ByteBuffer(repeating: UInt8(id), count: bodyBytes)
        return try WorkerRequest(id: id, meta: ByteBuffer(), body: body)
    }

    /// The next frame that the worker gets.
    private func frame() throws -> (type: UInt8, payload: ByteBuffer) {
        var header = try peer.read(WorkerProtocol.frameHeaderBytes)
        let length = header.readInteger(endianness: .little, as: UInt32.self)
        let type = header.readInteger(as: UInt8.self)
        return (try #require(type), try peer.read(Int(try #require(length))))
    }

    private static func flags(_ payload: ByteBuffer) -> UInt16? {
        payload.getInteger(at: payload.readerIndex + 10, endianness: .little)
    }

    @Test("are not copied by whoever sends them, who may hold a lock")
    func copies() async throws {
        let requests = [try Self.request(1), try Self.request(2)]
        let lying = try await loop.submit { [seat] in
            seat.send(1, requests, now: .current)
            return seat.lying.requests
        }.get()
        #expect(lying == 0)
        let exec = try frame()
        #expect(exec.type == WorkerFrameType.exec.rawValue && Self.flags(exec.payload) == 4)
        #expect(seat.lying.requests == 2 * Self.bodyBytes)
        seat.link.close()
    }

    @Test("take no room when nobody wants them any more, and are called off after they were sent")
    func cancelled() async throws {
        let request = try Self.request(1)
        try await loop.submit { [seat] in
            seat.send(1, [request], now: .current)
            seat.forget(ItemID(1))
            seat.cancel([ItemID(1)], "disconnect")
        }.get()
        let exec = try frame()
        #expect(exec.type == WorkerFrameType.exec.rawValue && Self.flags(exec.payload) == 2)
        let cancel = try frame()
        #expect(cancel.type == WorkerFrameType.cancel.rawValue)
        #expect(String(buffer: cancel.payload) == #"{"ids":[1],"reason":"disconnect"}"#)
        #expect(seat.lying.requests == 0 && seat.link.waitingBytes == 0)
        seat.link.close()
    }

    @Test("give their place back when they are called off half way")
    func half() async throws {
        let arena = try WorkerArena("martlet-test", half: 16 << 20)
        var batch = try #require(LoadingBatch(1, [try Self.request(1), try Self.request(2)]))
        let first = batch.next(1 << 20, in: arena)
        let piece = try #require(first)
        #expect(arena.write(piece.bytes, of: piece.place, from: piece.start))
        batch.advance(piece, in: arena)
        #expect(arena.requestsBytes == Self.bodyBytes)
        batch.forget(ItemID(1))
        let next = batch.next(1 << 20, in: arena)
        #expect(next?.start == 0 && next?.bytes.readableBytesView.first == 2)
        #expect(arena.requestsBytes == Self.bodyBytes, "of the second alone")
    }
}
