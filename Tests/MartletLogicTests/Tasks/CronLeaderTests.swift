import MartletBase
import MartletLogic
import Testing

/// Leases of 15 s, with one entry that fires each minute. `time(0)` is 20 s past a full minute.
@Suite struct CronLeaderTests {
    private func leader(_ catchUp: CatchUp = .once) throws -> CronLeader {
        let entry = CronEntry(name: "e", schedule: try CronSchedule("* * * * *"), catchUp: catchUp)
        return CronLeader(entries: [entry], maximumCatchUp: 3, now: at(0))
    }

    /// One that leads under token 7 and is done with the minute before `time(0)`.
    private func leading() throws -> CronLeader {
        var leader = try leader()
        #expect(leader.woken(now: time(0)) == [.acquire])
        _ = leader.acquired(token: 7, lasts: ["e": wall(-20)], sentAt: at(0), now: time(0))
        return leader
    }

    private func firing(_ times: [Double], after previous: Double?) -> CronFiring {
        var firing = CronFiring(name: "e", times: times.map(wall), previous: nil, last: times.last.map(wall) ?? 0)
        firing.previous = previous.map(wall)
        return firing
    }

    private func isFire(_ action: CronAction) -> Bool {
        if case .fire = action { true } else { false }
    }

    @Test func itAsksForTheLeaseAgainAndAgain() throws {
        var leader = try leader()
        #expect(leader.woken(now: time(0)) == [.acquire])
        #expect(leader.woken(now: time(9)) == [])
        #expect(leader.acquired(token: nil, lasts: [:], sentAt: at(0), now: time(1)) == [])
        #expect(leader.nextWake(now: time(1)) == at(6))
        #expect(leader.woken(now: time(6)) == [.acquire])
    }

    @Test func itFiresOnceAMinuteWhileItLeads() throws {
        var leader = try leading()
        #expect(leader.token(now: at(0)) == 7)
        #expect(leader.nextWake(now: time(0)) == at(5))
        #expect(leader.woken(now: time(5)) == [.renew(token: 7)])
        _ = leader.renewed(token: 7, isOurs: true, sentAt: at(35), now: time(35))
        let first = firing([40], after: -20)
        #expect(leader.woken(now: time(40)).contains(.fire(first, token: 7)))
        // Nothing more while it is on its way.
        #expect(!leader.woken(now: time(41)).contains(.fire(first, token: 7)))
        _ = leader.fired(first, .done, now: time(42))
        _ = leader.renewed(token: 7, isOurs: true, sentAt: at(99), now: time(99))
        #expect(leader.woken(now: time(100)).contains(.fire(firing([100], after: 40), token: 7)))
    }

    @Test func whatWasNeverSeenIsRememberedAndNothingIsMadeUpFor() throws {
        var leader = try leader(.all)
        _ = leader.woken(now: time(0))
        let actions = leader.acquired(token: 1, lasts: [:], sentAt: at(0), now: time(2))
        #expect(actions == [.fire(CronFiring(name: "e", times: [], previous: nil, last: wall(2)), token: 1)])
    }

    @Test(arguments: [
        (CatchUp.once, 5.0, [-20.0]), (.all, 2, [-80, -20]), (.all, 50, [-140, -80, -20]), (.skip, 5, [-20]),
    ])
    func whatWasMissedIsMadeUpForAsTheEntrySays(catchUp: CatchUp, minutes: Double, times: [Double]) throws {
        var leader = try leader(catchUp)
        _ = leader.woken(now: time(0))
        let last = -20 - minutes * 60
        let actions = leader.acquired(token: 7, lasts: ["e": wall(last)], sentAt: at(0), now: time(0))
        #expect(actions == [.fire(firing(times, after: last), token: 7)])
    }

    @Test func whatIsSkippedIsRememberedToo() throws {
        let entry = CronEntry(name: "e", schedule: try CronSchedule("0 * * * *"), catchUp: .skip)
        var leader = CronLeader(entries: [entry], now: at(0))
        _ = leader.woken(now: time(0))
        let hour: Int64 = 3_600_000
        let last = wall(0) / hour * hour
        let actions = leader.acquired(token: 1, lasts: ["e": last - 5 * hour], sentAt: at(0), now: time(0))
        #expect(actions == [.fire(CronFiring(name: "e", times: [], previous: last - 5 * hour, last: last), token: 1)])
    }

    @Test func itStopsLeadingBeforeItsLeaseEnds() throws {
        var leader = try leading()
        #expect(leader.token(now: at(12.4)) == 7)
        #expect(leader.token(now: at(12.5)) == nil)
        // It was stopped for long: it fires nothing, whatever is due.
        #expect(leader.woken(now: time(300)) == [.acquire])
    }

    @Test func theFenceEndsItsReign() throws {
        var leader = try leading()
        _ = leader.renewed(token: 7, isOurs: true, sentAt: at(39), now: time(39))
        _ = leader.woken(now: time(40))
        _ = leader.fired(firing([40], after: -20), .fenced, now: time(40))
        #expect(leader.token(now: at(40)) == nil)
        #expect(leader.woken(now: time(46)) == [.acquire])
        // Tokens only rise: an old grant is none.
        #expect(leader.acquired(token: 7, lasts: [:], sentAt: at(46), now: time(46)) == [])
        #expect(leader.token(now: at(46)) == nil)
    }

    @Test func aFiringThatMayHaveFailedIsAskedForAgainAndCountedOnce() throws {
        var leader = try leading()
        _ = leader.renewed(token: 7, isOurs: true, sentAt: at(39), now: time(39))
        _ = leader.woken(now: time(40))
        _ = leader.fired(firing([40], after: -20), .failed, now: time(41))
        #expect(!leader.woken(now: time(43)).contains(where: isFire))
        #expect(leader.woken(now: time(43.5)).contains(.fire(firing([40], after: -20), token: 7)))
        // It had been heard.
        _ = leader.fired(firing([40], after: -20), .already(last: wall(40)), now: time(44))
        _ = leader.renewed(token: 7, isOurs: true, sentAt: at(50), now: time(50))
        #expect(!leader.woken(now: time(50)).contains(where: isFire))
    }

    @Test func oneThatStopsGivesTheLeaseBack() throws {
        var leader = try leading()
        #expect(leader.stop() == [.release(token: 7)])
        #expect(leader.woken(now: time(100)) == [] && leader.nextWake(now: time(0)) == .never)
        var follower = try self.leader()
        _ = follower.woken(now: time(0))
        #expect(follower.stop() == [])
        #expect(follower.acquired(token: 8, lasts: [:], sentAt: at(0), now: time(1)) == [.release(token: 8)])
    }

    @Test func aTimesTaskHasTheSameIDWhoeverSendsIt() {
        #expect(firing([40], after: nil).taskID(at: 60_000) == "cron-e-60000")
    }
}
