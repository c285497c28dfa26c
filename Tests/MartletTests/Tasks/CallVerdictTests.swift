@testable import Martlet
import MartletBase
import MartletNet
import MartletWire
import NIOCore
import Testing

@Suite("What an answer means for the task that asked")
struct CallVerdictTests {
    private func verdict(
        _ status: Int, _ code: String? = nil, after: Double? = nil, _ method: MartletWire.Method = .post
    ) -> CallVerdict {
        CallVerdict(status: status, code: code, retryAfter: after, method: method)
    }

    @Test("A refusal of our own is no attempt: it is waited for, within bounds", arguments: [
        "queue_full", "queue_timeout", "no_capacity", "overloaded", "no_target",
    ])
    func waits(code: String) {
        #expect(verdict(503, code) == .waits(.seconds(2)))
        #expect(verdict(503, code, after: 7) == .waits(.seconds(7)))
        #expect(verdict(503, code, after: 9000) == .waits(.seconds(30)))
        #expect(verdict(503, code, after: 0) == .waits(.seconds(1)))
        #expect(verdict(503, code, after: .nan) == .waits(.seconds(2)))
    }

    @Test("What may have been done is tried again only where that does no harm")
    func attempts() {
        #expect(verdict(500) == .fails && verdict(502, "upstream_reset") == .fails && verdict(503) == .fails)
        #expect(verdict(500, nil, .put) == .triesAgain(nil) && verdict(502, "upstream_reset", .get) == .triesAgain(nil))
        #expect(verdict(502, "connect_failed") == .triesAgain(nil))
        #expect(verdict(429, after: 3) == .triesAgain(3) && verdict(503, after: 4) == .triesAgain(4))
        #expect(verdict(200) == .stands && verdict(404) == .stands)
    }

    @Test("A stream's progress is its text so far, whole characters, ten times a second, and in the end all of it")
    func stream() {
        var text = StreamedText()
        let now = Instant.current
        let euro: [UInt8] = [0xe2, 0x82, 0xac]
        #expect(text.add(ByteBuffer(bytes: [0x61] + euro.prefix(2)), now: now) == "a")
        #expect(text.add(ByteBuffer(bytes: euro.suffix(1)), now: now + .milliseconds(50)) == nil)
        #expect(text.add(ByteBuffer(string: "b"), now: now + .milliseconds(100)) == "a€b")
        #expect(text.add(ByteBuffer(string: "c"), now: now + .milliseconds(150)) == nil)
        #expect(text.rest() == "a€bc")
        #expect(text.rest() == nil)
        _ = text.add(ByteBuffer(repeating: 0x78, count: 1 << 20), now: now + .seconds(1))
        #expect(text.add(ByteBuffer(string: "y"), now: now + .seconds(2)) == nil, "it is bounded")
    }
}
