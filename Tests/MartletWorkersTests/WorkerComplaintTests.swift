import MartletBase
import MartletExchange
import MartletWire
import NIOCore
import Testing

@testable import MartletWorkers

@Suite("What a worker's error means to the one who asked") struct WorkerComplaintTests {
    private func complaint(_ status: UInt16, _ meta: String, body: String = "") -> WorkerComplaint {
        WorkerComplaint(
            WorkerItem(id: 1, status: status, meta: ByteBuffer(string: meta), body: ByteBuffer(string: body)))
    }

    @Test("is a 500 where its status is none of an error", arguments: [0, 99, 200, 399, 600, 65_535] as [UInt16])
    func status(status: UInt16) {
        #expect(complaint(status, "{}").status == 500)
        #expect(complaint(422, "{}").status == 422)
    }

    @Test("is the app's own answer where there is one, in the form of the route otherwise")
    func body() throws {
        let own = try #require(complaint(418, #"{"type":"text/plain"}"#, body: "teapot").own)
        #expect(own.type == "text/plain" && String(buffer: own.body) == "teapot")
        let bare = complaint(500, #"{"code":"model_failed","message":"it \"broke\""}"#)
        #expect(bare.own == nil)
        #expect(String(buffer: bare.body(in: .plain)) == #"{"error":{"code":"model_failed","message":"it \"broke\""}}"#)
    }

    @Test("stays the same when it is kept for later")
    func kept() throws {
        let kept = complaint(503, #"{"type":"text/plain","scope":"batch","message":"why"}"#, body: "later").kept
        #expect(kept.concernsBatch && kept.status == 503)
        #expect(kept.own?.type == "text/plain" && kept.own?.body == ByteBuffer(string: "later"))
        #expect(kept.error.cause == "why")
    }

    @Test("survives a meta that is none")
    func garbage() {
        for meta in ["", "nonsense", "[1]", #"{"code": 7}"#] {
            #expect(complaint(500, meta).own == nil)
            #expect(!String(buffer: complaint(500, meta).body(in: .plain)).isEmpty)
        }
    }
}
