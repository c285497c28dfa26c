import MartletExchange
import NIOCore
import Synchronization
import Testing

@Suite("A body that a handler takes as it comes")
struct LocalBodyTests {
    private static func text(_ body: LocalBody) async throws -> String {
        var text = ""
        for try await piece in body { text += String(buffer: piece) }
        return text
    }

    @Test("Pieces come in their order, before and after they are asked for, and then the end")
    func order() async throws {
        let body = LocalBody {}
        #expect(body.push(ByteBuffer(string: "年")))
        let read = Task { try await Self.text(body) }
        for piece in ["假", "", "十五"] { _ = body.push(ByteBuffer(string: piece)) }
        body.finish()
        #expect(try await read.value == "年假十五")
        #expect(!body.push(ByteBuffer(string: "late")))
    }

    @Test("What waits is bounded; once it was read there is room again, and the loop hears of it")
    func room() async throws {
        let calls = Mutex(0)
        let body = LocalBody { calls.withLock { $0 += 1 } }
        let piece = ByteBuffer(repeating: 0x61, count: 64 << 10)
        var pushed = 0
        while body.hasRoom {
            _ = body.push(piece)
            pushed += piece.readableBytes
        }
        #expect(pushed == 128 << 10)
        var iterator = body.makeAsyncIterator()
        _ = try await iterator.next()
        #expect(body.hasRoom)
        _ = try await iterator.next()
        #expect(calls.withLock { $0 } >= 1)
        #expect(body.takeRead() == pushed)
        #expect(body.takeRead() == 0)
    }

    @Test("A client that leaves ends the reading, whatever came")
    func gone() async throws {
        let body = LocalBody {}
        _ = body.push(ByteBuffer(string: "a"))
        body.fail(CancellationError())
        await #expect(throws: CancellationError.self) { try await Self.text(body) }
        #expect(body.hasRoom)
    }

    @Test("A task that is cancelled reads no more")
    func cancelled() async throws {
        let body = LocalBody {}
        let read = Task { try await Self.text(body) }
        read.cancel()
        await #expect(throws: CancellationError.self) { try await read.value }
    }
}
