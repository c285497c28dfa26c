import MartletBase
import MartletLogic
import Testing

struct GovernorMachineTests {
    private static let limit = 1_024

    /// A machine with 1,024 files, of which nothing stands open: B = 960.
    private func machine() -> GovernorMachine { GovernorMachine(limit: Self.limit, standing: 0) }

    private func admit(_ count: Int, _ machine: inout GovernorMachine) {
        for _ in 0..<count {
            machine.clientAccepted()
            #expect(machine.admit(now: at(0)) == true)
        }
    }

    private func leave(_ count: Int, _ machine: inout GovernorMachine) {
        for _ in 0..<count {
            machine.left(now: at(0))
            machine.clientClosed()
        }
    }

    private func dial(_ count: Int, _ machine: inout GovernorMachine) {
        for number in 0..<count {
            #expect(machine.reserveUpstream(WaiterID(UInt64(number)), now: at(0)) == .granted)
        }
    }

    // MARK: Clients

    @Test func clientsBeyondTheirShareAreRefusedAndNotServed() {
        var machine = machine()
        admit(machine.budget.clients, &machine)
        machine.clientAccepted()
        #expect(machine.admit(now: at(0)) == false)
        leave(1, &machine)
        machine.clientAccepted()
        #expect(machine.admit(now: at(0)) == true)
        #expect(machine.impossible.count == 0)
    }

    @Test func nothingIsAcceptedOnceEveryRefusalIsUnderWay() {
        var machine = machine()
        admit(machine.budget.clients, &machine)
        #expect(machine.acceptRoom == machine.budget.refusals)
        for _ in 0..<machine.budget.refusals { machine.clientAccepted() }
        #expect(machine.acceptRoom == 0)
        machine.clientClosed()
        #expect(machine.acceptRoom == 1)
    }

    @Test func whenFullByOtherMeansOnlyRefusalsAreAccepted() {
        var machine = machine()
        machine.counted(machine.budget.spendable)
        #expect(machine.pressure == .full)
        #expect(machine.acceptRoom == machine.budget.refusals)
        machine.clientAccepted()
        #expect(machine.admit(now: at(0)) == false)
        #expect(machine.acceptRoom == machine.budget.refusals - 1)
    }

    @Test func theConsoleHasItsOwnDescriptors() {
        var machine = machine()
        admit(machine.budget.clients, &machine)
        #expect(machine.consoleRoom == machine.budget.console)
        machine.consoleAccepted()
        #expect(machine.consoleRoom == machine.budget.console - 1)
        machine.consoleClosed()
        #expect(machine.consoleRoom == machine.budget.console)
    }

    @Test func whatClosesTwiceIsCountedAsImpossibleAndChangesNothing() {
        var machine = machine()
        machine.clientClosed()
        machine.left(now: at(0))
        machine.consoleClosed()
        #expect(machine.upstreamClosed(now: at(0)) == nil)
        #expect(machine.impossible.count == 4)
        #expect(machine.used == 0)
    }

    // MARK: Retry-After

    @Test func aRefusedClientIsToldToComeBackWhenPlacesWillHaveComeFree() {
        var machine = machine()
        admit(machine.budget.clients, &machine)
        #expect(machine.retryAfter(now: at(0)) == .seconds(5), "nothing is known yet")
        for _ in 0..<40 { _ = machine.admit(now: at(10)) }
        for _ in 0..<10 { machine.left(now: at(10.5)) }
        #expect(machine.retryAfter(now: at(10.9)) == .seconds(4))
        for _ in 0..<4_000 { machine.clientAccepted() }
        #expect(machine.retryAfter(now: at(60)) == .seconds(5), "what was long ago says nothing")
    }

    // MARK: Targets

    @Test func aConnectionToATargetIsReservedBeforeItIsDialled() {
        var machine = machine()
        dial(machine.budget.upstreams, &machine)
        #expect(machine.reserveUpstream(WaiterID(900_000), now: at(0)) == .wait)
        #expect(machine.reserveUpstream(WaiterID(900_001), now: at(0)) == .wait)
        // In the order in which they came; the place goes straight on.
        #expect(machine.upstreamClosed(now: at(0)) == WaiterID(900_000))
        #expect(machine.upstreams == machine.budget.upstreams)
        #expect(machine.upstreamClosed(now: at(0)) == WaiterID(900_001))
        #expect(machine.upstreamClosed(now: at(0)) == nil)
        #expect(machine.upstreams == machine.budget.upstreams - 1)
    }

    @Test func whoNoLongerWaitsGetsNothing() {
        var machine = machine()
        dial(machine.budget.upstreams, &machine)
        #expect(machine.reserveUpstream(WaiterID(900_000), now: at(0)) == .wait)
        #expect(machine.withdraw(WaiterID(900_000)) == true)
        #expect(machine.withdraw(WaiterID(900_000)) == false)
        #expect(machine.upstreamClosed(now: at(0)) == nil)
    }

    @Test func afterAFruitlessSearchOthersAreRefusedAtOnce() {
        var machine = machine()
        dial(machine.budget.upstreams, &machine)
        let waiter = WaiterID(900_000)
        #expect(machine.reserveUpstream(waiter, now: at(1)) == .wait)
        #expect(machine.searchFailed(waiter, now: at(1)) == true)
        #expect(machine.searchFailed(waiter, now: at(1)) == false)
        #expect(machine.reserveUpstream(WaiterID(900_001), now: at(1.01)) == .refused)
        #expect(machine.reserveUpstream(WaiterID(900_002), now: at(1.03)) == .wait)
    }

    @Test func idleConnectionsAreKeptOnlyWhileOthersFindRoom() {
        var machine = machine()
        let share = machine.budget.upstreams
        dial(share * 7 / 8 - 1, &machine)
        #expect(machine.keepsIdle)
        dial(2, &machine)
        #expect(!machine.keepsIdle)
        while machine.upstreams * 4 >= share * 3 { _ = machine.upstreamClosed(now: at(0)) }
        #expect(machine.keepsIdle)
    }

    // MARK: Pressure

    @Test func pressureRisesLevelByLevelWithTheUse() {
        var machine = machine()
        let spendable = machine.budget.spendable
        for level in Pressure.allCases {
            machine.counted((level.percent * spendable + 99) / 100)
            #expect(machine.pressure == level)
        }
    }

    @Test func oneConnectionMoreOrLessChangesNothing() {
        var machine = machine()
        let edge = (80 * machine.budget.spendable + 99) / 100
        machine.counted(edge)
        #expect(machine.pressure == .closing)
        machine.counted(edge - 1)
        #expect(machine.pressure == .closing)
        machine.counted(edge - machine.budget.spendable * 2 / 100 - 1)
        #expect(machine.pressure == .shortened)
        machine.counted(0)
        #expect(machine.pressure == .none)
    }

    @Test func aCrossingIsRememberedUntilSomebodyAsked() {
        var machine = machine()
        machine.counted(machine.budget.spendable)
        machine.counted(0)
        #expect(machine.takePeak() == .full)
        #expect(machine.takePeak() == .none)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func whateverHappensDescriptorsNeverExceedTheLimit(seed: UInt64) {
        var generator = Lehmer(state: seed)
        for limit in [64, 256, 1_024] {
            var machine = GovernorMachine(limit: limit, standing: 14)
            var served = 0
            var refusing = 0
            var upstreams = 0
            for step in 0..<20_000 {
                let now = at(Double(step) / 1_000)
                switch generator.next() % 6 {
                case 0, 1:
                    guard machine.acceptRoom > 0 else { continue }
                    machine.clientAccepted()
                    if machine.admit(now: now) { served += 1 } else { refusing += 1 }
                case 2 where served > 0:
                    served -= 1
                    machine.left(now: now)
                    machine.clientClosed()
                case 3 where refusing > 0:
                    refusing -= 1
                    machine.clientClosed()
                case 4:
                    let waiter = WaiterID(UInt64(step))
                    switch machine.reserveUpstream(waiter, now: now) {
                    case .granted: upstreams += 1
                    case .wait: _ = machine.searchFailed(waiter, now: now)
                    case .refused: break
                    }
                case 5 where upstreams > 0:
                    upstreams -= 1
                    _ = machine.upstreamClosed(now: now)
                default: break
                }
                #expect(
                    served + refusing + upstreams + machine.budget.console + 14 <= limit, "seed \(seed), step \(step)")
            }
            #expect(machine.impossible.count == 0, "seed \(seed)")
            #expect(machine.served == served && machine.upstreams == upstreams, "seed \(seed)")
        }
    }
}

/// A small generator whose runs can be repeated.
private struct Lehmer {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
