import MartletBase
import MartletLogic
import Testing

/// `limit: adaptive` in front of simulated servers that are always asked for more than they can do.
@Suite struct AdaptiveLimitTests {
    /// Long answers and short ones, and hardly anything but the first byte.
    @Test(arguments: [4, 8, 32], [1.0, 0.1, 0])
    func comesToAboutTheSlotsThatThereAre(slots: Int, decode: Double) {
        var server = SlotServer(slots: slots, prefill: 0.2, decode: decode)
        _ = server.serve(decode < 1 ? 60 : 200)
        let found = server.serve(decode < 1 ? 60 : 200)
        let ideal = Double(slots) / (0.2 + decode)
        #expect(found.limit > 0.8 * Double(slots) && found.limit < 2 * Double(slots), "\(found)")
        #expect(found.perSecond > 0.9 * ideal, "\(found.perSecond) of \(ideal) a second")
    }

    /// A measurement anew costs little of what the server can do, and there is never long a time in which no request
    /// begins, though what is too much takes a minute to end.
    @Test(arguments: [(32, 60.0), (64, 30.0)])
    func answersOfMinutesAreServedAsFastAsTheServerCan(slots: Int, decode: Double) {
        var server = SlotServer(slots: slots, prefill: 0.5, decode: decode)
        _ = server.serve(40 * decode)
        let found = server.serve(150 * decode)
        let ideal = Double(slots) / (0.5 + decode)
        #expect(found.perSecond > 0.97 * ideal, "\(found.perSecond) of \(ideal) a second")
        #expect(abs(found.limit - Double(slots)) < 2, "\(found)")
        // One request more than there are slots waits for the next that ends.
        #expect(found.firstByte < 0.5 + 1 / ideal, "\(found)")
        #expect(server.longestPause < 0.6 * decode, "\(server.longestPause) s, an answer takes \(decode) s")
    }

    @Test func aServerOfLongAnswersThatGetsSlowerKeepsItsSlots() {
        var server = SlotServer(slots: 32, prefill: 0.5, decode: 45)
        _ = server.serve(30 * 45)
        server.prefill = 0.8
        server.decode = 72
        _ = server.serve(3_000)
        let found = server.serve(3_000)
        #expect(found.limit > 28 && found.limit < 40, "\(found)")
        #expect(found.perSecond > 0.93 * 32 / 72.8, "\(found)")
    }

    @Test func aSingleSlotIsNeverStarvedAndSoonHasNoLongLine() {
        var server = SlotServer(slots: 1, prefill: 0.2, decode: 0.3)
        _ = server.serve(300)
        let found = server.serve(300)
        #expect(found.limit < 6, "\(found)")
        #expect(found.perSecond > 1.9, "\(found)")
    }

    @Test func followsAServerThatLosesSlotsAndGetsThemBack() {
        var server = SlotServer(slots: 64)
        _ = server.serve(200)
        server.slots = 16
        _ = server.serve(60)
        let fewer = server.serve(60).limit
        #expect(fewer > 10 && fewer < 32, "\(fewer)")
        server.slots = 64
        _ = server.serve(60)
        let more = server.serve(60).limit
        #expect(more > 45 && more < 110, "\(more)")
    }

    @Test func aServerThatIsSlowerOnTheWholeKeepsItsSlots() {
        var server = SlotServer(slots: 32)
        _ = server.serve(200)
        server.prefill = 1
        server.decode = 5
        _ = server.serve(400)
        let found = server.serve(300)
        #expect(found.limit > 22 && found.limit < 64, "\(found)")
        #expect(found.perSecond > 0.8 * 32 / 6, "\(found)")
    }

    /// The first answers after the change are slow for both reasons: only one of them goes away as the limit shrinks.
    @Test(arguments: [(1.0, 0.1), (1, 1), (4, 1), (4, 5)])
    func aServerThatLosesSlotsAndGetsSlowerAtOnceIsNotStarved(prefill: Double, decode: Double) {
        var server = SlotServer(slots: 64, decode: 30)
        _ = server.serve(6_000)
        server.slots = 16
        server.prefill = prefill
        server.decode = decode
        _ = server.serve(120 * (prefill + decode))
        let found = server.serve(60 * (prefill + decode))
        #expect(found.limit > 12 && found.limit < 32, "\(found)")
        #expect(found.perSecond > 0.9 * 16 / (prefill + decode), "\(found)")
    }

    /// A whole round would be hundreds of answers.
    @Test func aLargeLimitIsLeftAtOnceWhenAnswersArePlainlySlow() {
        var steady = SteadyServer(cap: 400)
        steady.serveUntilAProbeIsOver()
        #expect(steady.limit.limit == 400)
        steady.firstByte = 2.5
        for _ in 0..<50 { steady.answer() }
        #expect(steady.limit.limit < 400)
    }

    @Test func whatATargetRefusesDuringAProbeIsNotForgottenAfterIt() {
        var steady = SteadyServer(cap: 20)
        steady.serveUntilAProbeIsOver { $0.refused() }
        #expect(steady.limit.limit == 18)
    }

    @Test func longStreamsAreNoSignOfLoad() {
        var short = SlotServer(slots: 1_000, decode: 0.1, cap: 50)
        var long = SlotServer(slots: 1_000, decode: 100, cap: 50)
        _ = short.serve(100)
        _ = long.serve(10_000)
        #expect(short.limit.limit == 50)
        #expect(long.limit.limit == 50)
    }

    /// Unary answers of a model take as long as they are: they must not pass for a line among streams.
    @Test func besideStreamsWholeAnswersTellNothing() {
        var (streams, mixed) = (SteadyServer(cap: 400), SteadyServer(cap: 400))
        for _ in 0..<2_000 {
            streams.answer()
            mixed.answer()
            mixed.answerWhole(after: 20)
        }
        #expect(streams.limit.limit > 100)
        #expect(mixed.limit.limit >= streams.limit.limit)
    }

    @Test func wholeAnswersTeachATargetThatSendsNothingElse() {
        var steady = SteadyServer(cap: 400)
        for _ in 0..<2_000 { steady.answerWhole(after: 20) }
        #expect(steady.limit.limit > 8, "\(steady.limit.limit)")
    }

    @Test func whatIsNotUsedIsNotGrown() {
        var server = SlotServer(slots: 100)
        server.wanted = 3
        _ = server.serve(500)
        #expect(server.limit.limit <= 8, "\(server.limit.limit)")
    }

    @Test func neverLessThanOneNorMoreThanTheCap() {
        for cap in [1, 2, 7] {
            var server = SlotServer(slots: 50, cap: cap)
            _ = server.serve(100)
            #expect((1...cap).contains(server.limit.limit))
        }
        var limit = AdaptiveLimit(cap: nil)
        for _ in 0..<10_000 { limit.refused() }
        #expect(limit.limit == 1)
        var random = SplitMix64(seed: 7)
        for step in 0..<20_000 {
            let after = Interval(.nanoseconds(Int64(random.next() >> 30)))
            _ = limit.answered(after: after, inflight: Int(random.next() % 40), now: at(Double(step)))
            #expect((1...limit.cap).contains(limit.limit))
        }
    }

    @Test func theClockOfAnotherLoopDoesNoHarm() {
        var limit = AdaptiveLimit(cap: 10)
        _ = limit.answered(after: Interval(.seconds(10_000_000)), inflight: 1, now: at(0))
        _ = limit.answered(after: Interval(.nanoseconds(Int64.max)), inflight: 1, now: .never)
        #expect(limit.limit >= 1)
    }
}

/// Answers one request after the other, each after the same time, with as many at it as it may have.
private struct SteadyServer {
    var limit: AdaptiveLimit
    var firstByte = 0.5
    private var now = 0.0

    init(cap: Int) {
        limit = AdaptiveLimit(cap: cap)
    }

    mutating func answerWhole(after time: Double) {
        now += 0.1
        _ = limit.answered(after: Interval(.seconds(time)), inflight: limit.limit, isWhole: true, now: at(now))
    }

    /// By how much the limit changed.
    @discardableResult
    mutating func answer() -> Int {
        let before = limit.limit
        now += 0.1
        _ = limit.answered(after: Interval(.seconds(firstByte)), inflight: before, now: at(now))
        return limit.limit - before
    }

    /// Nothing but a probe lowers the limit of a server that is never slower, and it rises again at its end.
    mutating func serveUntilAProbeIsOver(during change: (inout AdaptiveLimit) -> Void = { _ in }) {
        while limit.limit < limit.cap { answer() }
        while answer() >= 0 {}
        change(&limit)
        while answer() <= 0 {}
    }
}
