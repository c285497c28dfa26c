import MartletBase
import MartletNet
import MartletWire
import MartletWorkers
import NIOCore
import NIOPosix
import Testing

@Suite("The line to a worker", .timeLimit(.minutes(1)))
struct WorkerLinkTests {
    private static func loop() -> any EventLoop { MultiThreadedEventLoopGroup.singleton.next() }

    @Test("brings frames in order, with one sign for what was read at once")
    func receives() async throws {
        let (socket, events) = (try ChildSocket(), LinkEvents())
        let link = WorkerLink(socket, on: Self.loop(), delegate: events)
        var bytes = ByteBuffer()
        bytes.writeFrame(.ready, payload: "{}")
        bytes.writeFrame(.result, items: [WorkerItem(id: 7, status: 200, body: ByteBuffer(string: "seven"))])
        try RawPeer(socket).write(bytes)
        for word in ["ready 0 {}", "result 7 seven", "complete"] { #expect(await events.next() == word) }
        link.close()
    }

    @Test("puts an item together that comes in many reads")
    func longItem() async throws {
        let (socket, events) = (try ChildSocket(), LinkEvents())
        let link = WorkerLink(socket, on: Self.loop(), delegate: events)
        let body = String(repeating: "0123456789", count: 60_000)
        var bytes = ByteBuffer()
        for id in 1...3 {
            bytes.writeFrame(.result, items: [WorkerItem(id: UInt64(id), body: ByteBuffer(string: body))])
        }
        try RawPeer(socket).write(bytes)
        for id in 1...3 { #expect(await events.nextItem() == "result \(id) \(body)") }
        link.close()
    }

    @Test("writes what many threads send at once as whole frames, none lost")
    func sends() async throws {
        let (socket, events) = (try ChildSocket(), LinkEvents())
        let peer = RawPeer(socket)
        let link = WorkerLink(socket, on: Self.loop(), delegate: events)
        await withTaskGroup { tasks in
            for thread in 0..<4 {
                tasks.addTask {
                    for number in 0..<250 {
                        link.send { WorkerFrameWriter.control(.ping, id: UInt64(thread * 1000 + number), into: &$0) }
                    }
                }
            }
        }
        let frames = try peer.read(1000 * WorkerProtocol.frameHeaderBytes)
        let ids = stride(from: 8, to: frames.readableBytes, by: 16).compactMap {
            frames.getInteger(at: $0, endianness: .little, as: UInt64.self)
        }
        #expect(Set(ids).count == 1000)
        for thread in 0..<4 {
            let own = ids.filter { $0 / 1000 == thread }
            #expect(own == own.sorted(), "what one thread sends keeps its order")
        }
        link.close()
        #expect(await events.ending() == .closed)
    }

    @Test("says when too many bytes wait for a worker that does not read, and when no longer")
    func backPressure() async throws {
        let (socket, events) = (try ChildSocket(), LinkEvents())
        let peer = RawPeer(socket)
        let link = WorkerLink(socket, on: Self.loop(), delegate: events)
        #expect(link.isWritable && link.waitingBytes == 0)
        var request = try WorkerRequest(
            id: 1, meta: ByteBuffer(), body: ByteBuffer(repeating: 1, count: 1 << 20))
        while link.isWritable, !request.isSent {
            link.send { _ = WorkerFrameWriter.body(of: &request, into: &$0) }
        }
        let sent = (1 << 20) - request.body.readableBytes
        #expect(link.waitingBytes > 0)
        _ = try peer.read(sent)
        #expect(await events.nextItem() == "writable")
        #expect(link.isWritable)
        link.close()
    }

    @Test("ends once, with the reason", arguments: ["endOfFile", "garbage", "closed"])
    func ends(kind: String) async throws {
        let (socket, events) = (try ChildSocket(), LinkEvents())
        let peer = RawPeer(socket)
        let link = WorkerLink(socket, on: Self.loop(), delegate: events)
        switch kind {
        case "endOfFile": peer.close()
        case "garbage": try peer.write(ByteBuffer(string: "Traceback (most recent call last):\n"))
        default: link.close()
        }
        let end = await events.ending()
        switch kind {
        case "endOfFile": #expect(end == .endOfFile)
        case "garbage": #expect(end == .garbage(WireError(.upstreamMalformed, "unknown type of frame")))
        default: #expect(end == .closed)
        }
        link.send { _ in Issue.record("sent after the end") }
        link.close()
        #expect(link.waitingBytes == 0)
    }

    @Test("brings what came before the end, though the worker left bytes unread")
    func lastWords() async throws {
        let (socket, events) = (try ChildSocket(), LinkEvents())
        let peer = RawPeer(socket)
        let link = WorkerLink(socket, on: Self.loop(), delegate: events)
        link.send { WorkerFrameWriter.control(.ping, id: 1, into: &$0) }
        _ = try peer.read(1)
        var bytes = ByteBuffer()
        bytes.writeFrame(.error, items: [WorkerItem(id: 0, status: 500, body: ByteBuffer(string: "Traceback"))])
        try peer.write(bytes)
        peer.close()
        #expect(await events.nextItem() == "error 0 Traceback")
        #expect(await events.ending() == .endOfFile)
    }
}
