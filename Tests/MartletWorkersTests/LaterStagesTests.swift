import MartletBase
import MartletExchange
import MartletLogic
import MartletNet
import MartletTesting
import MartletWire
import NIOCore
import NIOPosix
import Testing

@testable import MartletWorkers

@Suite("A request on its way through a pipeline", .timeLimit(.minutes(1))) struct LaterStagesTests {
    private let (first, second, third): (WorkerGroup, WorkerGroup, WorkerGroup)
    private let request = OutgoingRequest.fake(.fake(.post, "/predict"))

    init() {
        func group(_ path: String, next: WorkerGroup? = nil) -> WorkerGroup {
            WorkerGroup(
                WorkerAPI(path: path), policy: BatchPolicy(), answerWithin: .seconds(1),
                clock: MultiThreadedEventLoopGroup.singleton.next(), next: next)
        }
        third = group("/predict#3")
        second = group("/predict#2", next: third)
        first = group("/predict", next: second)
    }

    private func seat(in group: WorkerGroup) throws -> WorkerSeat {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let link = WorkerLink(try ChildSocket(), on: loop, delegate: LinkEvents())
        let seat = WorkerSeat(WorkerNumber(1), of: group, link: link) {}
        group.ready(seat, WorkerCapacity())
        return seat
    }

    @Test("the last worker of each stage before it stays")
    func keeps() throws {
        let seats = try [second, third].map(seat)
        defer { for seat in seats { seat.link.close() } }
        var later = try #require(LaterStages(after: first, request))
        later.begin(deadline: .never)
        #expect(!second.drain(WorkerNumber(1)) && !third.drain(WorkerNumber(1)))
        let rest = try #require(later.afterNext)
        second.expect(-1)
        #expect(second.drain(WorkerNumber(1)) && !third.drain(WorkerNumber(1)))
        rest.end()
        #expect(third.drain(WorkerNumber(1)))
        #expect(rest.afterNext == nil)
    }

    @Test("one that has not begun keeps nobody")
    func notBegun() throws {
        let seat = try seat(in: second)
        defer { seat.link.close() }
        let later = try #require(LaterStages(after: first, request))
        later.end()
        #expect(second.drain(WorkerNumber(1)))
    }

    @Test("an answer is the next body when it is whole, of status 200 and not too long")
    func answers() throws {
        var later = try #require(LaterStages(after: first, request))
        #expect(later.answer(.json, status: 200) == nil)
        #expect(later.answer(.json, status: 200) == .second)
        #expect(later.append(ByteBuffer(string: "[1,"), limit: 5) == nil)
        #expect(later.append(ByteBuffer(string: "2]"), limit: 5) == nil)
        #expect(later.type == "application/json" && later.body == ByteBuffer(string: "[1,2]") && later.isWhole)
        #expect(later.append(ByteBuffer(string: " "), limit: 5) == .tooLong)

        var other = try #require(LaterStages(after: first, request))
        #expect(other.answer(.json, status: 404) == .status)
        var head = WorkerAnswer(type: "application/octet-stream")
        head.length = 2
        #expect(other.answer(head, status: 200) == nil && !other.isWhole)
        #expect(other.append(ByteBuffer(string: "ab"), limit: 5) == nil && other.isWhole)
        #expect(other.type == "application/octet-stream")
    }

    @Test("a stage is told of the body it gets, and not of the client's")
    func meta() throws {
        let fields = [("Content-Type", "image/png"), ("Content-Encoding", "gzip"), ("traceparent", "00-1")]
        let meta = WorkerMeta.bytes(
            of: .fake(.fake(.put, "/predict?a=1", fields)), for: second.api, CallerFacts(), client: "::1",
            type: "application/octet-stream")
        let text = String(buffer: meta)
        #expect(text.contains(#""type":"application/octet-stream""#) && text.contains("traceparent"))
        #expect(!text.contains("gzip") && !text.contains("image") && !text.contains("PUT"))
    }
}
