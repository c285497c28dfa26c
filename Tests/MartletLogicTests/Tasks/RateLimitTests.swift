import MartletBase
import MartletLogic
import Testing

@Suite struct RateLimitTests {
    @Test(arguments: [
        ("10/m", 10, RateLimit.Period.minute), ("100/s", 100, .second), ("5/h", 5, .hour), ("3", 3, .second),
        ("0.5/s", 0.5, .second), (" 7 / M ", 7, .minute), ("1e3/h", 1000, .hour),
    ])
    func itReadsWhatCelerysUsersWrite(text: String, count: Double, period: RateLimit.Period) throws {
        #expect(try TaskRateText.parse(text) == RateLimit(count, per: period))
    }

    @Test(arguments: ["", "0", "0/m", "0.0/h"]) func nothingAndZeroAreNoLimit(text: String) throws {
        #expect(try TaskRateText.parse(text) == nil)
    }

    @Test(arguments: ["x", "10/d", "/m", "10/", "-1/s", "inf/s", "nan", "1/m/h", "ten/s"])
    func whatIsNoRateIsRefused(text: String) {
        let flaw = #expect(throws: TaskRateText.Malformed.self) { try TaskRateText.parse(text) }
        #expect(flaw?.text == text)
    }

    @Test func itIsWrittenAsItIsRead() throws {
        for text in ["10/m", "100/s", "5/h", "0.5/s"] { #expect(try TaskRateText.parse(text)?.text == text) }
    }

    @Test func aBucketGivesNoMoreThanItsRate() {
        var bucket = TokenBucket(perSecond: 2, now: at(0))
        var given: [Double] = []
        for step in 0...30 where bucket.take(now: at(Double(step) / 10)) { given.append(Double(step) / 10) }
        #expect(given == [0, 0.5, 1, 1.5, 2, 2.5, 3])
    }

    @Test func aBucketTellsWhenTheNextOneComes() {
        var bucket = TokenBucket(perSecond: 0.1, now: at(0))
        #expect(bucket.next(now: at(0)) == at(0))
        #expect(bucket.take(now: at(0)) == true)
        #expect(bucket.next(now: at(4)) == at(10))
        #expect(bucket.take(now: at(9.9)) == false)
        #expect(bucket.take(now: bucket.next(now: at(4))) == true)
        #expect(bucket.next(2, now: at(0)) == .never)
    }

    @Test func whatWasSavedUpIsGivenAtOnceAndNoMore() {
        var bucket = TokenBucket(perSecond: 1, burst: 3, now: at(0))
        #expect((0..<5).map { _ in bucket.take(now: at(100)) } == [true, true, true, false, false])
        bucket.adopt(perSecond: 10, burst: 1, now: at(100))
        #expect(!bucket.take(now: at(100)) && bucket.take(now: at(100.1)))
    }

    @Test func aClockThatGoesBackGivesNothing() {
        var bucket = TokenBucket(perSecond: 1, now: at(10))
        #expect(bucket.take(now: at(10)) && !bucket.take(now: at(5)) && !bucket.take(now: at(10)))
    }

    // MARK: Shared

    /// When those who ask every millisecond may go, in milliseconds.
    private func goes(_ rate: SharedRate, from start: Int64, until end: Int64) -> [Int64] {
        var next: Int64?
        var goes: [Int64] = []
        for millisecond in start..<end {
            guard case .go(let following) = rate.decide(next: next, now: millisecond * 1000) else { continue }
            next = following
            goes.append(millisecond)
        }
        return goes
    }

    @Test func aSharedRateKeepsItsDistanceWhoeverAsks() throws {
        let rate = SharedRate(try #require(RateLimit(100)))
        #expect(goes(rate, from: 500, until: 540) == [500, 510, 520, 530])
        #expect(rate.decide(next: 700_000, now: 690_000) == .wait(until: 700_000))
    }

    @Test func aSharedRateLetsABurstGoAtOnceAndThenKeepsIt() throws {
        let rate = SharedRate(try #require(RateLimit(100)), burst: 3)
        #expect(goes(rate, from: 0, until: 30) == [0, 1, 2, 10, 20])
    }

    @Test func aSharedRateSurvivesAnyNumberThatIsKept() throws {
        let rate = SharedRate(try #require(RateLimit(1, per: .hour)), burst: 1_000_000)
        for kept in [Int64.min, 0, .max] {
            for now in [Int64.min, 0, .max] { _ = rate.decide(next: kept, now: now) }
        }
        #expect(rate.decide(next: .max, now: .max) == .go(next: .max))
    }
}
