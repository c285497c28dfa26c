import NIOCore
import Testing

@testable import MartletTools

/// One direction of a fault proxy as a value: what is sent when.
@Suite struct FaultLineTests {
    private static let millisecond: UInt64 = 1_000_000

    /// All that is sent until the line says something else, with what it said.
    private func drain(
        _ line: inout FaultLine, _ faults: Faults.Direction, now: UInt64
    ) -> (sent: [String], then: FaultLine.Step) {
        var sent: [String] = []
        while true {
            let step = line.next(faults, now: now)
            guard case .send(let bytes) = step else { return (sent, step) }
            sent.append(String(buffer: bytes))
        }
    }

    @Test func withoutFaultsBytesPassAtOnceAndTheEndAfterThem() {
        var line = FaultLine(seed: 1)
        line.arrived(ByteBuffer(string: "abc"), .init(), now: 5)
        line.ended(.init(), now: 6)
        let (sent, then) = drain(&line, .init(), now: 6)
        #expect(sent == ["abc"] && then == .finish)
        #expect(line.next(.init(), now: 7) == .idle, "the end is said once")
        #expect(line.passed == 3 && line.heldBytes == 0)
    }

    @Test func jitterKeepsTheOrderAndItsBounds() {
        var faults = Faults.Direction()
        faults.delay = .milliseconds(10)
        faults.jitter = .milliseconds(20)
        var line = FaultLine(seed: 7)
        for number in 0..<50 { line.arrived(ByteBuffer(string: "\(number),"), faults, now: 0) }
        var now: UInt64 = 0
        var times: Set<UInt64> = []
        var text = ""
        while line.heldBytes > 0 {
            switch line.next(faults, now: now) {
            case .send(let bytes):
                text += String(buffer: bytes)
                times.insert(now)
            case .wait(let due):
                #expect(due > now)
                now = due
            default: Issue.record("bytes were lost")
            }
        }
        #expect(text == (0..<50).map { "\($0)," }.joined())
        #expect(times.min() ?? 0 >= 10 * Self.millisecond && now <= 30 * Self.millisecond)
        #expect(times.count > 3, "jitter differs")
    }

    @Test func sameSeedMakesTheSameJitter() {
        var faults = Faults.Direction()
        faults.jitter = .seconds(1)
        func due(_ seed: UInt64) -> FaultLine.Step {
            var line = FaultLine(seed: seed)
            line.arrived(ByteBuffer(string: "x"), faults, now: 0)
            return line.next(faults, now: 0)
        }
        #expect(due(3) == due(3))
        #expect(due(3) != due(4))
    }

    @Test func slicesAreAsLongAsAskedFor() {
        var faults = Faults.Direction()
        faults.slice = 2
        var line = FaultLine(seed: 1)
        line.arrived(ByteBuffer(string: "abcde"), faults, now: 0)
        line.arrived(ByteBuffer(string: "f"), faults, now: 0)
        #expect(drain(&line, faults, now: 0).sent == ["ab", "cd", "e", "f"])
    }

    @Test(arguments: [(0, ""), (3, "abc"), (4, "abcd"), (8, "abcdefgh")])
    func cutComesAfterExactlySoManyBytes(count: Int, passed: String) {
        var faults = Faults.Direction()
        faults.cutAfter = count
        faults.cutsWith = .reset
        var line = FaultLine(seed: 1)
        line.arrived(ByteBuffer(string: "abcd"), faults, now: 0)
        line.arrived(ByteBuffer(string: "efghij"), faults, now: 0)
        let (sent, then) = drain(&line, faults, now: 0)
        #expect(sent.joined() == passed && then == .cut(.reset))
    }

    @Test func bandwidthSpreadsBytesOverTime() {
        var faults = Faults.Direction()
        faults.bandwidth = 1000
        var line = FaultLine(seed: 1)
        line.arrived(ByteBuffer(repeating: 1, count: 100), faults, now: 0)
        var now: UInt64 = 0
        while line.heldBytes > 0 {
            if case .wait(let due) = line.next(faults, now: now) { now = due }
        }
        // The last ten bytes may go as soon as the first ninety have had their time.
        #expect(now == 90 * Self.millisecond)
    }

    @Test func lineThatHoldsMuchWantsNoMore() {
        var faults = Faults.Direction()
        faults.delay = .seconds(1)
        var line = FaultLine(seed: 1)
        #expect(line.wantsMore)
        line.arrived(ByteBuffer(repeating: 1, count: FaultLine.limit), faults, now: 0)
        #expect(!line.wantsMore)
    }
}
