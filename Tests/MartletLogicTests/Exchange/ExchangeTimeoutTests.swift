import MartletBase
import MartletLogic
import Testing

@Suite("Exchange machine: timeouts")
struct ExchangeTimeoutTests {
    typealias Machine = ExchangeMachine

    /// Says nothing before `seconds`, and `expected` then.
    private func expect(
        _ machine: Machine, at seconds: Double, _ expected: Machine.OnTimer,
        _ location: SourceLocation = #_sourceLocation
    ) {
        var machine = machine
        #expect(machine.nextDeadline == at(seconds), sourceLocation: location)
        #expect(machine.timerFired(now: at(seconds - 0.001)) == .rearm(at(seconds)), sourceLocation: location)
        #expect(machine.timerFired(now: at(seconds)) == expected, sourceLocation: location)
    }

    @Test("each of the five has its own moment and its own answer")
    func fiveTimeouts() {
        let start = Machine.started {
            $0.connect = .seconds(2)
            $0.queue = .seconds(30)
            $0.firstByte = .seconds(40)
            $0.idle = .seconds(50)
            $0.total = .seconds(60)
        }
        expect(start.moved(to: .queued), at: 30, .refuse(.queueTimeout))
        expect(start.moved(to: .connecting), at: 2, .failAttempt(.connectTimeout))
        expect(start.moved(to: .waiting), at: 40, .failAttempt(.firstByteTimeout))
        expect(start.moved(to: .streaming), at: 50, .failAttempt(.stall))
        expect(start.moved(to: .collecting), at: 60, .expire(.totalTimeout))
    }

    @Test("the caller's deadline comes before every other", arguments: Machine.Phase.allCases)
    func callerDeadline(phase: Machine.Phase) {
        var machine = Machine.started(callerDeadline: at(1)).moved(to: phase)
        guard phase != .closed else {
            #expect(machine.timerFired(now: at(9)) == .rearm(.never))
            return
        }
        #expect(machine.deadline == at(1))
        #expect(machine.timerFired(now: at(1)) == .expire(.deadlineExceeded))
    }

    @Test("the total holds in every phase", arguments: Machine.Phase.allCases)
    func total(phase: Machine.Phase) {
        var machine = Machine.started { $0.total = .seconds(1) }.moved(to: phase)
        #expect(machine.timerFired(now: at(1)) == (phase == .closed ? .rearm(.never) : .expire(.totalTimeout)))
    }

    @Test("an upload that moves puts the first byte off, one that stands does not")
    func uploadPutsFirstByteOff() {
        var machine = Machine.started { $0.firstByte = .seconds(10) }.moved(to: .waiting)
        machine.uploaded(now: at(9))
        expect(machine, at: 19, .failAttempt(.firstByteTimeout))
    }

    @Test("every piece of the answer puts the idle timeout off")
    func progressPutsIdleOff() {
        var machine = Machine.started { $0.idle = .seconds(10) }.moved(to: .streaming)
        machine.progressed(now: at(9))
        expect(machine, at: 19, .failAttempt(.stall))
    }

    @Test("a client that does not read is not the target's stall")
    func stalledClient() {
        var machine = Machine.started { $0.idle = .seconds(10) }.moved(to: .streaming)
        machine.clientStalled(true, now: at(5))
        #expect(machine.timerFired(now: at(100)) == .rearm(machine.deadline))
        machine.clientStalled(false, now: at(100))
        expect(machine, at: 110, .failAttempt(.stall))
    }

    @Test("a silent event stream gets a comment, which does not put the idle timeout off")
    func heartbeat() {
        var machine = Machine.started { $0.idle = .seconds(40) }.moved(to: .waiting)
        let isCommitted = machine.commits(isEventStream: true, heartbeat: .seconds(15), now: at(0))
        #expect(isCommitted)
        expect(machine, at: 15, .heartbeat)
        machine.heartbeatSent(now: at(15))
        expect(machine, at: 30, .heartbeat)
        machine.heartbeatSent(now: at(30))
        expect(machine, at: 40, .failAttempt(.stall))
    }

    @Test("an answer that is no event stream gets no comment")
    func noHeartbeatElsewhere() {
        var machine = Machine.started { $0.idle = .seconds(40) }.moved(to: .waiting)
        let isCommitted = machine.commits(isEventStream: false, heartbeat: .seconds(15), now: at(0))
        #expect(isCommitted)
        expect(machine, at: 40, .failAttempt(.stall))
    }

    @Test("no comment while the client does not read")
    func noHeartbeatWhileStalled() {
        var machine = Machine.started().moved(to: .waiting)
        let isCommitted = machine.commits(isEventStream: true, heartbeat: .seconds(15), now: at(0))
        #expect(isCommitted)
        machine.clientStalled(true, now: at(1))
        #expect(machine.timerFired(now: at(60)) == .rearm(machine.deadline))
    }

    @Test("endless timeouts never fire and never overflow")
    func endless() {
        var machine = Machine.started {
            $0.connect = .seconds(Int64.max)
            $0.total = .seconds(Int64.max)
        }.moved(to: .connecting)
        #expect(machine.timerFired(now: at(1e9)) == .rearm(machine.deadline))
        #expect(machine.nextDeadline > at(1e9))
    }
}
