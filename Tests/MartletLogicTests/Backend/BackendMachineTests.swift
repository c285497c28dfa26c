import MartletBase
import MartletLogic
import Testing

@Suite struct BackendMachineTests {
    private static let policy: BackendPolicy = {
        var policy = BackendPolicy()
        policy.readyWithin = .seconds(60)
        policy.startingInterval = .milliseconds(200)
        policy.checkInterval = .seconds(5)
        policy.hungAfter = 3
        policy.stopGrace = .seconds(10)
        policy.stableAfter = .seconds(60)
        return policy
    }()

    private static func at(_ seconds: Double) -> Instant {
        Instant(nanoseconds: 1_000_000_000) + .milliseconds(Int((seconds * 1000).rounded()))
    }

    /// A machine and a clock that goes from event to event.
    private struct Driver {
        var machine = BackendMachine(policy: BackendMachineTests.policy, now: BackendMachineTests.at(0))
        var now = 0.0

        mutating func send(
            _ event: BackendMachine.Event, at seconds: Double? = nil, jitter: Double = 0
        ) -> [BackendMachine.Action] {
            now = seconds ?? now
            return machine.handle(event, now: BackendMachineTests.at(now), jitter: jitter)
        }

        static var starting: Driver {
            var driver = Driver()
            _ = driver.send(.start)
            return driver
        }

        static var ready: Driver {
            var driver = starting
            _ = driver.send(.probed(run: 1, passed: true), at: 1)
            return driver
        }

        static var ending: Driver {
            var driver = starting
            _ = driver.send(.woken, at: 60)
            return driver
        }

        static var backingOff: Driver {
            var driver = starting
            _ = driver.send(.exited(.exited(code: 1)))
            return driver
        }

        static var stopping: Driver {
            var driver = starting
            _ = driver.send(.stop)
            return driver
        }

        static var finished: Driver {
            var driver = Driver()
            _ = driver.send(.stop)
            return driver
        }
    }

    @Test func startsOnceAndProbesSoon() {
        var driver = Driver()
        #expect(driver.send(.start) == [.spawn, .wake(at: Self.at(0.2)), .wake(at: Self.at(60))])
        #expect(driver.send(.start) == [])
        #expect(driver.send(.woken, at: 0.1) == [], "early")
        #expect(driver.send(.woken, at: 0.2) == [.probe(run: 1)])
        #expect(driver.send(.woken, at: 0.3) == [], "one probe at a time")
        #expect(driver.send(.probed(run: 1, passed: false), at: 0.4) == [.wake(at: Self.at(0.6))])
    }

    @Test func isReadyWithTheFirstPassingCheck() {
        var driver = Driver.starting
        #expect(
            driver.send(.probed(run: 1, passed: true), at: 1) == [.announceReady, .wake(at: Self.at(6))])
        #expect(driver.machine.state.text == "ready")
        #expect(driver.machine.since == Self.at(1))
        #expect(driver.send(.woken, at: 6) == [.probe(run: 1)])
        #expect(driver.send(.probed(run: 1, passed: true), at: 6) == [.wake(at: Self.at(11))])
        #expect(driver.machine.since == Self.at(1))
    }

    @Test func isKilledWhenItIsNotReadyInTime() {
        var driver = Driver.starting
        #expect(driver.send(.woken, at: 59.9) == [.probe(run: 1)])
        #expect(driver.send(.probed(run: 1, passed: false), at: 59.95) == [.wake(at: Self.at(60.15))])
        #expect(driver.send(.woken, at: 60) == [.kill])
        #expect(driver.send(.probed(run: 1, passed: true), at: 60.1) == [], "too late")
        #expect(driver.send(.exited(.signalled(9)), at: 60.2) == [.wake(at: Self.at(60.2) + .seconds(1))])
        #expect(driver.machine.lastExit == .notReady(within: .seconds(60)))
    }

    @Test func oneThatTellsOfItsProgressHasMoreTime() {
        var driver = Driver.starting
        #expect(driver.send(.gotOn(run: 1), at: 50) == [.wake(at: Self.at(110))])
        #expect(driver.send(.gotOn(run: 2), at: 55) == [])
        #expect(!driver.send(.woken, at: 60).contains(.kill))
        #expect(driver.send(.woken, at: 110) == [.kill])
        #expect(driver.send(.gotOn(run: 1), at: 111) == [])
    }

    @Test func oneThatIsCondemnedIsKilledAndItsReasonIsToldNotItsSignal() {
        let reason = BackendExit.condemned("it broke the protocol")
        var starting = Driver.starting
        #expect(starting.send(.condemned(run: 1, "it broke the protocol"), at: 1) == [.kill])
        #expect(starting.send(.exited(.signalled(9)), at: 1) == [.wake(at: Self.at(2))])
        #expect(starting.machine.lastExit == reason)
        // One that has served for a while is started again at once.
        var ready = Driver.ready
        #expect(ready.send(.condemned(run: 2, "another one's"), at: 100) == [])
        #expect(ready.send(.condemned(run: 1, "it broke the protocol"), at: 100) == [.announceGone(reason), .kill])
        #expect(ready.send(.condemned(run: 1, "again"), at: 100) == [])
        #expect(ready.send(.exited(.signalled(9)), at: 100) == [.wake(at: Self.at(100))])
        #expect(ready.machine.lastExit == reason)
    }

    @Test func isHungAfterChecksThatFailInARow() {
        var driver = Driver.ready
        for _ in 0..<2 {
            #expect(driver.send(.probed(run: 1, passed: false)).count == 1)
        }
        #expect(driver.send(.probed(run: 1, passed: true)).count == 1, "which starts the count again")
        for _ in 0..<2 {
            #expect(driver.send(.probed(run: 1, passed: false)).count == 1)
        }
        #expect(
            driver.send(.probed(run: 1, passed: false)) == [.announceGone(.hung(checks: 3)), .kill])
        #expect(driver.send(.exited(.signalled(9)), at: 3) == [.wake(at: Self.at(4))])
        #expect(driver.machine.lastExit == .hung(checks: 3))
    }

    @Test func isStartedAgainAfterTheBackOff() {
        var driver = Driver.ready
        #expect(
            driver.send(.exited(.signalled(9)), at: 10, jitter: 1)
                == [.announceGone(.signalled(9)), .wake(at: Self.at(11.2))])
        #expect(driver.machine.state == .backingOff(until: Self.at(11.2), isSlow: false))
        #expect(driver.send(.woken, at: 11) == [])
        #expect(driver.send(.woken, at: 11.2).first == .spawn)
        #expect(driver.machine.run == 2)
        #expect(driver.machine.lastExit == .signalled(9))
        #expect(driver.send(.probed(run: 1, passed: true), at: 11.3) == [], "about the process before")
    }

    @Test func backsOffTwiceAsLongEachTimeUpToTheMaximum() {
        var driver = Driver.starting
        var waits: [Double] = []
        for round in 0..<7 {
            // Far enough apart for the breaker to forget.
            _ = driver.send(.exited(.exited(code: 1)), at: Double(round) * 100)
            guard case .backingOff(let until, isSlow: false) = driver.machine.state else {
                Issue.record("not backing off")
                return
            }
            waits.append((until - Self.at(driver.now)).inSeconds)
            _ = driver.send(.woken, at: driver.now + 40)
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30])
    }

    @Test func isStartedAtOnceAfterServingForAWhile() {
        var driver = Driver.backingOff
        _ = driver.send(.woken, at: 2)
        _ = driver.send(.probed(run: 2, passed: true), at: 2)
        #expect(driver.send(.exited(.exited(code: 1)), at: 62).last == .wake(at: Self.at(62)))
        #expect(driver.send(.woken, at: 62).first == .spawn)
        #expect(driver.send(.exited(.exited(code: 1)), at: 62).last == .wake(at: Self.at(63)), "the first wait again")
    }

    /// Whatever kills it comes from outside: a backend that serves between its deaths is never held down for them.
    @Test func isStartedAtOnceHoweverOftenItIsKilledWhileItServes() {
        var driver = Driver.starting
        for life in 1...30 {
            let start = Double(life) * 61
            _ = driver.send(.probed(run: life, passed: true), at: start)
            #expect(
                driver.send(.exited(.signalled(9)), at: start + 60)
                    == [.announceGone(.signalled(9)), .wake(at: Self.at(start + 60))])
            #expect(driver.send(.woken, at: start + 60).first == .spawn)
        }
    }

    /// What dies a moment after it counts as stable, again and again, is ill.
    @Test func isStartedAtOnceOnlySoOftenWithinTheWindow() {
        var policy = Self.policy
        policy.stableAfter = .seconds(1)
        var driver = Driver(machine: BackendMachine(policy: policy, now: Self.at(0)))
        _ = driver.send(.start)
        for life in 1...BackendPolicy.freeRestarts + policy.breakerExits {
            _ = driver.send(.probed(run: life, passed: true), at: driver.now)
            _ = driver.send(.exited(.exited(code: 1)), at: driver.now + 1)
            guard case .backingOff(let until, let isSlow) = driver.machine.state else {
                Issue.record("not backing off")
                return
            }
            #expect((until == Self.at(driver.now)) == (life <= BackendPolicy.freeRestarts), "life \(life)")
            #expect(isSlow == (life == BackendPolicy.freeRestarts + policy.breakerExits), "life \(life)")
            _ = driver.send(.woken, at: (until - Self.at(0)).inSeconds)
        }
        // The window is over.
        _ = driver.send(.probed(run: driver.machine.run, passed: true), at: driver.now)
        _ = driver.send(.exited(.exited(code: 1)), at: driver.now + 1)
        #expect(driver.machine.state == .backingOff(until: Self.at(driver.now), isSlow: false))
    }

    /// To be found hanging takes longer than to count as stable.
    @Test func oneThatHangsWaitsAndIsBrokenInTheEndHoweverLongItServed() {
        var driver = Driver.starting
        for life in 1...Self.policy.breakerExits {
            _ = driver.send(.probed(run: life, passed: true), at: driver.now)
            for _ in 0..<3 { _ = driver.send(.probed(run: life, passed: false), at: driver.now) }
            _ = driver.send(.exited(.signalled(9)), at: driver.now)
            #expect(driver.machine.lastExit == .hung(checks: 3))
            guard case .backingOff(let until, _) = driver.machine.state else {
                Issue.record("not backing off")
                return
            }
            if life < Self.policy.breakerExits { _ = driver.send(.woken, at: (until - Self.at(0)).inSeconds) }
        }
        #expect(driver.machine.state.text == "broken")
        var stable = Driver.ready
        for _ in 0..<3 { _ = stable.send(.probed(run: 1, passed: false), at: 70) }
        #expect(stable.send(.exited(.signalled(9)), at: 71) == [.wake(at: Self.at(72))])
    }

    @Test func aRestartAtOnceDoesNotForgetTheEndsBefore() {
        var policy = Self.policy
        policy.stableAfter = .seconds(1)
        var driver = Driver(machine: BackendMachine(policy: policy, now: Self.at(0)))
        _ = driver.send(.start)
        for _ in 1..<policy.breakerExits {
            _ = driver.send(.exited(.exited(code: 1)))
            guard case .backingOff(let until, isSlow: false) = driver.machine.state else {
                Issue.record("not backing off")
                return
            }
            _ = driver.send(.woken, at: (until - Self.at(0)).inSeconds)
        }
        _ = driver.send(.probed(run: driver.machine.run, passed: true))
        _ = driver.send(.exited(.exited(code: 1)), at: driver.now + 2)
        #expect(driver.machine.state == .backingOff(until: Self.at(driver.now), isSlow: false))
        _ = driver.send(.woken)
        _ = driver.send(.exited(.exited(code: 1)))
        #expect(driver.machine.state.text == "broken")
    }

    /// What `retire` does in each state: what runs runs on, what does not never does again.
    @Test func isNotStartedAgainOnceItIsRetired() {
        for (name, driver) in [("idle", Driver()), ("backing_off", .backingOff)] {
            var driver = driver
            #expect(driver.send(.retire) == [.finish], "\(name)")
        }
        for (name, driver) in [("starting", Driver.starting), ("ready", .ready), ("ending", .ending)] {
            var driver = driver
            #expect(driver.send(.retire) == [], "\(name)")
            #expect(driver.machine.state.text == name)
            #expect(driver.send(.exited(.signalled(9)), at: 100).last == .finish, "\(name)")
            #expect(driver.machine.state == .finished)
        }
        var retired = Driver.ready
        _ = retired.send(.retire)
        #expect(retired.send(.stop, at: 5) == [.announceGone(.stopped), .terminate, .wake(at: Self.at(15))])
    }

    @Test func slowsDownWhenItEndsTooOften() {
        var driver = Driver.starting
        for second in 0..<4 {
            _ = driver.send(.exited(.exited(code: 1)), at: Double(second))
            #expect(driver.machine.state.text == "backing_off")
            _ = driver.machine.handle(.woken, now: .never, jitter: 0)
        }
        #expect(driver.send(.exited(.exited(code: 78)), at: 5) == [.wake(at: Self.at(65))])
        #expect(driver.machine.state.text == "broken")
        #expect(driver.machine.lastExit == .exited(code: 78))
        _ = driver.send(.woken, at: 65)
        #expect(driver.send(.exited(.exited(code: 78)), at: 66) == [.wake(at: Self.at(96))], "the window is over")
    }

    @Test func reportsAProcessThatCannotBeStarted() {
        var driver = Driver.starting
        #expect(driver.send(.exited(.notStarted("no setpriv"))) == [.wake(at: Self.at(1))])
        #expect(driver.machine.lastExit == .notStarted("no setpriv"))
    }

    @Test func stopsInGoodOrderThenByForce() {
        var driver = Driver.ready
        #expect(
            driver.send(.stop, at: 5) == [.announceGone(.stopped), .terminate, .wake(at: Self.at(15))])
        #expect(driver.send(.stop, at: 6) == [])
        #expect(driver.send(.woken, at: 14) == [])
        #expect(driver.send(.probed(run: 1, passed: false), at: 14) == [])
        #expect(driver.send(.woken, at: 15) == [.kill])
        #expect(driver.send(.woken, at: 16) == [])
        #expect(driver.send(.exited(.signalled(9)), at: 16) == [.finish])
        #expect(driver.machine.lastExit == .stopped)
    }

    @Test("told to hurry, it gets no time: also when it is being stopped already")
    func hurries() {
        var driver = Driver.stopping
        #expect(driver.send(.hurry, at: 6) == [.kill])
        #expect(driver.send(.hurry, at: 7) == [], "once")
        var ready = Driver.ready
        #expect(ready.send(.hurry, at: 5).last == .kill)
        #expect(ready.send(.exited(.signalled(9)), at: 6) == [.finish])
    }

    /// What `stop` does in each state.
    @Test func stopsFromEveryState() {
        var idle = Driver()
        #expect(idle.send(.stop) == [.finish])
        var starting = Driver.starting
        #expect(starting.send(.stop) == [.terminate, .wake(at: Self.at(10))])
        var ending = Driver.ending
        #expect(ending.send(.stop) == [])
        #expect(ending.send(.exited(.signalled(9))) == [.finish])
        var backingOff = Driver.backingOff
        #expect(backingOff.send(.stop) == [.finish])
        var finished = Driver.finished
        #expect(finished.send(.stop) == [])
        for driver in [idle, ending, backingOff, finished] {
            #expect(driver.machine.state == .finished)
        }
    }

    /// Events that a state does not wait for change nothing.
    @Test func ignoresWhatItDoesNotWaitFor() {
        let strays: [(name: String, driver: Driver, events: [BackendMachine.Event])] = [
            ("idle", Driver(), [.woken, .probed(run: 0, passed: true), .exited(.exited(code: 1))]),
            ("starting", .starting, [.start, .probed(run: 7, passed: true)]),
            ("ready", .ready, [.start, .woken, .probed(run: 0, passed: false)]),
            ("ending", .ending, [.start, .woken, .probed(run: 1, passed: true), .probed(run: 1, passed: false)]),
            ("backing_off", .backingOff, [.start, .woken, .probed(run: 1, passed: true), .exited(.exited(code: 2))]),
            ("stopping", .stopping, [.start, .woken, .probed(run: 1, passed: true)]),
            ("stopped", .finished, [.start, .woken, .probed(run: 0, passed: true), .exited(.exited(code: 1)), .stop]),
        ]
        for (name, driver, events) in strays {
            #expect(driver.machine.state.text == name)
            for event in events {
                var driver = driver
                let before = driver.machine.state
                #expect(driver.send(event) == [], "\(name): \(event)")
                #expect(driver.machine.state == before, "\(name): \(event)")
            }
        }
    }
}
