import MartletBase
import MartletLogic
import Testing

@Suite("Supervisor")
struct SupervisorMachineTests {
    private let begin = Instant(nanoseconds: 1_000_000_000)

    /// A parent whose first child serves.
    private func serving() -> SupervisorMachine {
        var machine = SupervisorMachine()
        #expect(machine.start() == [.spawn])
        #expect(machine.handle(.ready, now: begin) == [])
        return machine
    }

    @Test("a child that never served ends the parent with its status: a mistake is not tried again")
    func firstChildFails() {
        var machine = SupervisorMachine()
        _ = machine.start()
        #expect(machine.handle(.ended(.exited(2)), now: begin) == [.finish(status: 2)])
    }

    @Test("a child that served a while is started again at once, as often as it dies", arguments: [
        ChildEnding.signalled(9), .signalled(4), .exited(1),
    ])
    func startsAgain(ending: ChildEnding) {
        var machine = serving()
        var now = begin
        for _ in 0..<20 {
            now = now + SupervisorMachine.stable
            #expect(machine.handle(.ended(ending), now: now) == [.spawn])
            #expect(machine.handle(.ready, now: now) == [])
        }
    }

    @Test("children that die young are started after pauses that grow to a bound, and one that lasts ends that")
    func backsOff() {
        var machine = serving()
        var now = begin
        var pauses: [Duration] = []
        for _ in 0..<10 {
            guard case .wake(let instant) = machine.handle(.ended(.signalled(11)), now: now).first else {
                Issue.record("no pause")
                return
            }
            pauses.append(instant - now)
            #expect(machine.handle(.woken, now: now) == [.wake(at: instant)], "too early changes nothing")
            now = instant
            #expect(machine.handle(.woken, now: now) == [.spawn])
            _ = machine.handle(.ready, now: now)
        }
        #expect(pauses.first == SupervisorMachine.firstPause)
        #expect(pauses.last == SupervisorMachine.longestPause)
        #expect(pauses == pauses.sorted())
        #expect(machine.handle(.ended(.signalled(11)), now: now + SupervisorMachine.stable) == [.spawn])
    }

    @Test("a later child that cannot start is tried again: what was served before may come back")
    func laterChildFails() {
        var machine = serving()
        let later = begin + .seconds(5)
        #expect(machine.handle(.ended(.signalled(9)), now: later) == [.spawn])
        #expect(machine.handle(.ended(.exited(2)), now: later) == [.wake(at: later + SupervisorMachine.firstPause)])
    }

    @Test("told to end, the child is told; told again later, it is to hurry; nothing is started again")
    func ends() {
        var machine = serving()
        #expect(machine.handle(.told(signal: 15), now: begin) == [.signal(15)])
        let moment = SupervisorMachine.moment
        #expect(machine.handle(.told(signal: 15), now: begin + moment / 2) == [], "sent to a group, it comes twice")
        #expect(machine.handle(.told(signal: 2), now: begin + moment) == [.hurry])
        #expect(machine.handle(.told(signal: 2), now: begin + moment * 2) == [.hurry])
        #expect(machine.handle(.ended(.signalled(9)), now: begin) == [.finish(status: 137)])
        #expect(machine.handle(.woken, now: begin + .seconds(9)) == [])
    }

    @Test("told to reload before the child can hear it, it is told once it can")
    func reloads() {
        var machine = SupervisorMachine()
        _ = machine.start()
        #expect(machine.handle(.reload(signal: 1), now: begin) == [])
        #expect(machine.handle(.ready, now: begin) == [.signal(1)])
        #expect(machine.handle(.reload(signal: 1), now: begin) == [.signal(1)])
        _ = machine.handle(.ended(.signalled(9)), now: begin)
        #expect(machine.handle(.reload(signal: 1), now: begin) == [], "the next one reads the file anyway")
    }

    @Test("told to end between two children, the parent ends")
    func endsWhileWaiting() {
        var machine = serving()
        _ = machine.handle(.ended(.signalled(9)), now: begin)
        #expect(machine.handle(.told(signal: 15), now: begin) == [.finish(status: 0)])
    }

    @Test("a child that was told to end by somebody else is not started again")
    func childEndsInGoodOrder() {
        var machine = serving()
        #expect(machine.handle(.ended(.exited(0)), now: begin + .seconds(9)) == [.finish(status: 0)])
    }
}
