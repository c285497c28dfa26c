import MartletBase
import Testing

@testable import MartletLogic

/// How long a request would wait, told from those that are served.
@Suite struct DrainRateTests {
    private func seconds(_ duration: Duration) -> Double { duration.inSeconds }

    /// `places` that serve for `service` seconds each, all the time until `end`, beginning one after the other or all
    /// together.
    private func busy(places: Int, service: Double, until end: Double, isInStep: Bool) -> DrainRate {
        var rate = DrainRate()
        var ends: [Double] = []
        for place in 0..<places {
            rate.began(now: at(0))
            ends.append(isInStep ? service : service * Double(place + 1) / Double(places))
        }
        rate.filled()
        while let next = ends.min(), next <= end, let place = ends.firstIndex(of: next) {
            rate.ended(now: at(next))
            rate.began(now: at(next))
            ends[place] = next + service
        }
        return rate
    }

    @Test func nothingIsPredictedWhileNothingIsKnown() {
        var rate = DrainRate()
        #expect(rate.wait(turns: 100, now: at(5)) == .zero)
        rate.began(now: at(5))
        #expect(rate.wait(turns: 100, now: at(5)) == .zero)
    }

    @Test(arguments: [1, 8, 64, 500], [true, false])
    func theWaitFollowsFromTheTimeARequestTakesAndHowManyRunAtOnce(places: Int, isInStep: Bool) {
        for end in [20.0, 20.5, 20.99] {
            let rate = busy(places: places, service: 1, until: end, isInStep: isInStep)
            // 400 before it and itself, `places` in a second.
            let wait = seconds(rate.wait(turns: 400, now: at(end)))
            let truth = 401 / Double(places)
            #expect(wait > 0.6 * truth && wait < 1.6 * truth, "\(wait) for \(truth) at \(end)")
        }
    }

    @Test func theFirstInLineMeasuresAnew() {
        let rate = busy(places: 1, service: 100, until: 500, isInStep: true)
        #expect(rate.wait(turns: 0, now: at(500)) == .zero)
    }

    @Test func idleTimeSaysNothing() {
        var rate = busy(places: 4, service: 1, until: 50, isInStep: false)
        let before = rate.wait(turns: 40, now: at(50))
        for _ in 0..<4 { rate.ended(now: at(51)) }
        for _ in 0..<4 { rate.began(now: at(5_000)) }
        let after = rate.wait(turns: 40, now: at(5_000))
        #expect(abs(seconds(after) - seconds(before)) < 0.3 * seconds(before), "\(before) \(after)")
    }

    @Test func quietTrafficTeachesWhatABurstWillMeet() {
        var rate = DrainRate()
        for second in 0..<40 {
            rate.began(now: at(Double(second)))
            rate.ended(now: at(Double(second) + 0.5))
        }
        for _ in 0..<10 { rate.began(now: at(100)) }
        rate.filled()
        // 99 before it and itself, ten at a time, half a second each.
        #expect(abs(seconds(rate.wait(turns: 99, now: at(100))) - 5) < 0.5)
    }

    @Test func targetsThatHangMakeThePredictionGrow() {
        let rate = busy(places: 4, service: 1, until: 20, isInStep: false)
        let soon = seconds(rate.wait(turns: 8, now: at(20)))
        let later = seconds(rate.wait(turns: 8, now: at(50)))
        #expect(soon < 4)
        #expect(later > 60, "nothing ended for 30 seconds, and nine times four have to: \(later)")
    }

    @Test func targetsThatAreStuckDoNotCountAsServing() {
        // Eight places, four of them stuck for good: four serve, one second each.
        var rate = busy(places: 4, service: 1, until: 20, isInStep: false)
        for _ in 0..<4 { rate.began(now: at(20)) }
        rate.filled()
        for step in 0..<160 {
            rate.ended(now: at(20.25 + Double(step) / 4))
            rate.began(now: at(20.25 + Double(step) / 4))
        }
        #expect(abs(seconds(rate.wait(turns: 39, now: at(60))) - 10) < 1.5)
    }

    @Test func clocksThatDifferALittleDoNoHarm() {
        var rate = busy(places: 2, service: 1, until: 20, isInStep: false)
        rate.ended(now: at(19))
        rate.began(now: at(18))
        #expect(seconds(rate.wait(turns: 10, now: at(17))) > 0)
        #expect(rate.active == 2)
    }
}
