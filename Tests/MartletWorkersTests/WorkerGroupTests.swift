import FoundationEssentials
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import NIOPosix
import Testing

@testable import MartletWorkers

@Suite("A group of workers", .timeLimit(.minutes(1))) struct WorkerGroupTests {
    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let group: WorkerGroup

    init() {
        group = WorkerGroup(
            WorkerAPI(path: "/predict"), policy: BatchPolicy(), answerWithin: .seconds(1),
            clock: MultiThreadedEventLoopGroup.singleton.next())
    }

    private func seat(_ number: Int) throws -> WorkerSeat {
        let link = WorkerLink(try ChildSocket(), on: loop, delegate: LinkEvents())
        return WorkerSeat(WorkerNumber(number), of: group, link: link) {}
    }

    @Test("takes workers of one version, another one once they are gone")
    func versions() {
        #expect(group.admits(WorkerNumber(1), "a"))
        #expect(group.admits(WorkerNumber(2), "a"))
        #expect(!group.admits(WorkerNumber(3), "b"))
        #expect(!group.admits(WorkerNumber(1), "b"), "the other one is there yet")
        group.forgetVersion(of: WorkerNumber(2))
        #expect(group.admits(WorkerNumber(1), "b"), "it is the only one")
        #expect(group.admits(WorkerNumber(3), "b"))
    }

    @Test("keeps one that is spent in service when only another version could take its place")
    func spent() throws {
        let seats = [try seat(1), try seat(2)]
        for seat in seats {
            #expect(group.admits(seat.number, "a"))
            group.ready(seat, WorkerCapacity())
        }
        let (of, both) = (seats.map(\.number), group.room)
        group.isSpent(of[0])
        #expect(group.room == both / 2)
        #expect(!group.admits(WorkerNumber(3), "b"), "the second can serve on")
        #expect(group.room == both, "and so must the first")
        group.isSpent(of[0])
        #expect(group.room == both, "it is no more spent than before")
        group.isSpent(of[1])
        #expect(group.admits(WorkerNumber(3), "b"), "nobody else could serve before long")
        #expect(!group.admits(WorkerNumber(4), "c"))
        for seat in seats { seat.link.close() }
    }

    @Test("loses a worker with its own end, not with that of the one before it")
    func ends() throws {
        let (former, present) = (try seat(1), try seat(1))
        group.ready(former, WorkerCapacity())
        group.gone(former)
        #expect(!group.has(1) && group.room == 0)
        group.ready(present, WorkerCapacity(maxBatch: 4))
        group.gone(former)
        #expect(group.has(1) && group.room >= 4)
        group.gone(present)
        #expect(!group.has(1))
        for seat in [former, present] { seat.link.close() }
    }

    @Test("drains its last worker when nobody waits")
    func drains() throws {
        let seat = try seat(1)
        group.ready(seat, WorkerCapacity())
        #expect(group.drain(seat.number))
        #expect(group.isIdle(seat.number) && group.room == 0)
        seat.link.close()
    }

    @Test("keeps its last worker while requests of an earlier stage are on their way")
    func keeps() throws {
        let seat = try seat(1)
        defer { seat.link.close() }
        group.ready(seat, WorkerCapacity())
        group.expect(2)
        #expect(!group.drain(seat.number))
        group.expect(-1)
        #expect(!group.drain(seat.number))
        group.expect(-1)
        #expect(group.drain(seat.number))
    }

    @Test("sends no body to a worker whose line has ended, and does not wait for it")
    func deadLine() async throws {
        let (socket, events) = (try ChildSocket(), LinkEvents())
        let link = WorkerLink(socket, on: loop, delegate: events)
        let seat = WorkerSeat(WorkerNumber(1), of: group, link: link) {}
        link.close()
        #expect(await events.ending() == .closed)
        let body = ByteBuffer(repeating: 1, count: 1 << 20)
        seat.send(1, [try WorkerRequest(id: 1, meta: ByteBuffer(), body: body)], now: .current)
        seat.pump()
        #expect(link.waitingBytes == 0)
    }

    @Test("bounds what a batch may weigh as its worker says, whatever that is")
    func weights() throws {
        let text = #"""
            {"protocol":1,"apis":[{"path":"/a","batch_weight":100,"weight_by":"n"},{"path":"/b","batch_weight":-3},
            {"path":"/c","batch_weight":9223372036854775807},{"path":"/d"}]}
            """#
        let ready = try WorkerReady(payload: Data(text.utf8))
        #expect(ready.apis.map(\.batchWeight) == [100, 1, BodyWeight.most, nil])
        #expect(ready.apis.map(\.weightBy) == ["n", nil, nil, nil])
    }

    @Test("understands what a worker is only in its own version of the protocol")
    func ready() throws {
        let text = #"{"protocol":1,"version":"v7","apis":[{"path":"/a","max_batch":0,"batch_timeout_ms":-5}]}"#
        let ready = try WorkerReady(payload: Data(text.utf8))
        #expect(ready.version == "v7")
        #expect(ready.apis.map(\.maxBatch) == [1] && ready.apis.map(\.batchWindow) == [.zero])
        #expect(ready.apis.map(\.chain) == [nil])
        for wrong in [#"{"protocol":2}"#, "{}", "", "[]", #"{"protocol":1,"apis":[{}]}"#] {
            #expect(throws: (any Error).self) { try WorkerReady(payload: Data(wrong.utf8)) }
        }
    }

    @Test("takes no worker for one that asks for keys by itself, unless it says so")
    func authorizes() throws {
        let apis = #"{"path":"/a"},{"path":"/b","authorizes":true},{"path":"/c","authorizes":false}"#
        let text = #"{"protocol":1,"apis":[\#(apis)]}"#
        let ready = try WorkerReady(payload: Data(text.utf8))
        #expect(ready.apis.map(\.authorizes) == [false, true, false])
    }

    @Test("knows a chain by what its worker says, and takes what it does not say for all there can be")
    func chain() throws {
        func read(_ chain: String) throws -> ChainDescription? {
            let text = #"{"protocol":1,"apis":[{"path":"/a/*","chain":\#(chain)}]}"#
            return try WorkerReady(payload: Data(text.utf8)).apis.first?.chain
        }
        let said = #"{"input":{"type":"string"},"endpoints":["invoke"],"config_hashes":false}"#
        #expect(
            try read(said)
                == ChainDescription(
                    input: ["type": "string"], output: [:], config: [:], endpoints: ["invoke"], takesHashes: false))
        let plain = try #require(try read("{}"))
        #expect(plain.takesHashes && plain.endpoints.count == 8 && plain.input == [:])
        #expect(try read("null") == nil)
        #expect(throws: (any Error).self) { try read("[]") }
    }
}
