import MartletBase
import MartletNet
import NIOCore
import NIOEmbedded
import Testing

/// Time is moved by the test; it begins at a second, as zero is no instant of a real clock.
@Suite("Deadline wheel")
struct DeadlineWheelTests {
    final class Alarm: Timed {
        var fired: [Instant] = []
        /// What it answers; nil: never again.
        var onFire: ((Instant) -> Instant)?
        var handle = DeadlineWheel.Handle.none
        /// When it should fire, in the model's eyes.
        var due: Instant?

        func deadlineReached(now: Instant) -> Instant {
            fired.append(now)
            return onFire?(now) ?? .never
        }
    }

    static let tick = Duration.milliseconds(10)
    let loop = EmbeddedEventLoop()
    let wheel: DeadlineWheel

    init() {
        loop.advanceTime(by: .seconds(1))
        wheel = DeadlineWheel(loop: loop)
    }

    var now: Instant { Instant(nanoseconds: loop.now.uptimeNanoseconds) }

    func advance(_ duration: Duration) { loop.advanceTime(by: .nanoseconds(duration.wholeNanoseconds)) }

    @Test(
        "fires once, not before its moment and within two ticks",
        arguments: [0, 1, 9, 10, 11, 999, 10_239, 10_240, 60_000])
    func firesInTime(milliseconds: Int) throws {
        let alarm = Alarm()
        advance(.microseconds(3700))
        let due = now + .milliseconds(milliseconds)
        alarm.handle = wheel.arm(alarm, at: due)
        advance(.milliseconds(milliseconds + 30))
        #expect(alarm.fired.count == 1)
        let fired = try #require(alarm.fired.first)
        #expect(fired >= due)
        #expect(fired <= due + Self.tick * 2)
        advance(.seconds(30))
        #expect(alarm.fired.count == 1)
    }

    @Test("a moment in the past is due in the next ticks")
    func past() {
        let alarm = Alarm()
        alarm.handle = wheel.arm(alarm, at: Instant(nanoseconds: 0))
        advance(Self.tick * 2)
        #expect(alarm.fired.count == 1)
    }

    @Test("an entry armed in a callback for the past does not wait for a whole turn")
    func pastFromCallback() {
        let (first, second) = (Alarm(), Alarm())
        first.onFire = { _ in
            second.handle = wheel.arm(second, at: Instant(nanoseconds: 0))
            return .never
        }
        first.handle = wheel.arm(first, at: now + .milliseconds(50))
        advance(.milliseconds(100))
        #expect(second.fired.count == 1)
    }

    @Test("an owner may answer with the past, and is called in the next tick")
    func answersWithThePast() {
        let alarm = Alarm()
        alarm.onFire = { _ in alarm.fired.count < 3 ? Instant(nanoseconds: 1) : .never }
        alarm.handle = wheel.arm(alarm, at: now)
        advance(Self.tick * 5)
        #expect(alarm.fired.count == 3)
    }

    @Test("an owner that answers with a later moment is called then, on the same handle")
    func putsItselfOff() {
        let alarm = Alarm()
        alarm.onFire = { $0 + .seconds(1) }
        alarm.handle = wheel.arm(alarm, at: now)
        advance(.milliseconds(3500))
        #expect(alarm.fired.count == 4)
        wheel.disarm(&alarm.handle)
        advance(.seconds(5))
        #expect(alarm.fired.count == 4)
        #expect(wheel.count == 0)
    }

    @Test("an entry that answered never can be armed again with its handle")
    func rearmAfterNever() {
        let alarm = Alarm()
        alarm.handle = wheel.arm(alarm, at: now)
        advance(.seconds(1))
        wheel.rearm(&alarm.handle, alarm, at: now + .seconds(1))
        advance(.milliseconds(990))
        #expect(alarm.fired.count == 1)
        advance(Self.tick * 3)
        #expect(alarm.fired.count == 2)
    }

    @Test("disarmed and moved entries do not fire, twice disarmed is harmless")
    func disarm() {
        let (kept, gone) = (Alarm(), Alarm())
        kept.handle = wheel.arm(kept, at: now + .milliseconds(100))
        gone.handle = wheel.arm(gone, at: now + .milliseconds(100))
        wheel.disarm(&gone.handle)
        wheel.disarm(&gone.handle)
        #expect(gone.handle == .none)
        wheel.rearm(&kept.handle, kept, at: now + .seconds(20))
        advance(.seconds(19))
        #expect(kept.fired.isEmpty)
        #expect(wheel.count == 1)
        advance(.seconds(2))
        #expect(kept.fired.count == 1)
        #expect(gone.fired.isEmpty)
    }

    @Test("owners due in the same tick may disarm each other and arm new ones")
    func disarmInsideCallbacks() {
        let alarms = (0..<10).map { _ in Alarm() }
        let late = Alarm()
        for alarm in alarms {
            alarm.onFire = { now in
                for other in alarms { wheel.disarm(&other.handle) }
                late.handle = wheel.arm(late, at: now + .seconds(1))
                return now + .milliseconds(10)
            }
            alarm.handle = wheel.arm(alarm, at: now + .milliseconds(5))
        }
        advance(.milliseconds(500))
        #expect(alarms.count { !$0.fired.isEmpty } == 1)
        #expect(late.fired.isEmpty)
        advance(.milliseconds(700))
        #expect(late.fired.count == 1)
    }

    @Test("the wheel holds its owner while armed, and lets it go afterwards")
    func releasesOwners() {
        weak var owner: Alarm?
        var handle: DeadlineWheel.Handle
        do {
            let alarm = Alarm()
            owner = alarm
            handle = wheel.arm(alarm, at: now + .seconds(60))
        }
        #expect(owner != nil)
        wheel.disarm(&handle)
        #expect(owner == nil)
    }

    @Test("a loop that slept for long catches up on everything")
    func longPause() {
        let alarms = (0..<2000).map { _ in Alarm() }
        for (index, alarm) in alarms.enumerated() {
            alarm.handle = wheel.arm(alarm, at: now + .milliseconds(index * 37))
        }
        // An owner whose work takes two minutes: nothing else runs meanwhile.
        let slow = Alarm()
        slow.onFire = { _ in
            advance(.seconds(120))
            return .never
        }
        slow.handle = wheel.arm(slow, at: now)
        advance(.seconds(121))
        #expect(alarms.allSatisfy { $0.fired.count == 1 })
    }

    @Test("thousands of random moves, against a model", arguments: 0..<20 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alarms = (0..<50).map { _ in Alarm() }
        for alarm in alarms {
            alarm.onFire = { now in
                #expect(alarm.due.map { now >= $0 && now <= $0 + Self.tick * 2 } ?? false)
                alarm.due = nil
                guard random.next() % 3 == 0 else { return .never }
                let next = now + .milliseconds(random.next() % 15_000)
                alarm.due = next
                return next
            }
        }
        for _ in 0..<1000 {
            let alarm = alarms[Int(random.next() % 50)]
            let moment = now + .milliseconds(random.next() % (random.next() % 4 == 0 ? 30_000 : 300))
            switch random.next() % 4 {
            case 0:
                wheel.disarm(&alarm.handle)
                alarm.due = nil
            case 1, 2:
                wheel.rearm(&alarm.handle, alarm, at: moment)
                alarm.due = moment
            default: advance(.microseconds(random.next() % (random.next() % 50 == 0 ? 20_000_000 : 50_000)))
            }
            #expect(alarms.allSatisfy { $0.due.map { now <= $0 + Self.tick * 2 } ?? true })
            #expect(wheel.count == alarms.count { $0.handle != .none })
        }
        for alarm in alarms { wheel.disarm(&alarm.handle) }
        #expect(wheel.count == 0)
    }
}
