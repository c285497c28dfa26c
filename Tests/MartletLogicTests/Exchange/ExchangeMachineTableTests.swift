import MartletBase
import MartletLogic
import Testing

@Suite("Exchange machine: every event in every phase")
struct ExchangeMachineTableTests {
    enum Event: CaseIterable, Sendable {
        case queued, picked, accepted, uploaded, committed, progressed, stalled, resumed, heartbeatSent, failed
        case retryAfterStatus, adopted, timer, closed

        func happen(to machine: inout ExchangeMachine, now: Instant) {
            switch self {
            case .queued: machine.queued(now: now)
            case .picked: machine.picked(now: now)
            case .accepted: machine.accepted(now: now)
            case .uploaded: machine.uploaded(now: now)
            case .committed: _ = machine.commits(isEventStream: true, heartbeat: .seconds(15), now: now)
            case .progressed: machine.progressed(now: now)
            case .stalled: machine.clientStalled(true, now: now)
            case .resumed: machine.clientStalled(false, now: now)
            case .heartbeatSent: machine.heartbeatSent(now: now)
            case .failed:
                let attempt = FailedAttempt(.connect, wasSent: false)
                _ = machine.failed(attempt, mayRetry: true, jitter: 0.5, now: now)
            case .retryAfterStatus: machine.retryAfterStatus(now: now)
            case .adopted: machine.adopt(timeouts: TimeoutIntervals(Timeouts()), retry: RetryPolicy())
            case .timer: _ = machine.timerFired(now: now)
            case .closed: _ = machine.close()
            }
        }
    }

    /// Where each event leads from each phase, in the order of `Phase.allCases`; nil: it stays where it is.
    static let table: [Event: [ExchangeMachine.Phase?]] = [
        .queued: [.queued, .queued, .queued, .queued, nil, .queued, nil],
        .picked: [.connecting, .connecting, .connecting, .connecting, nil, .connecting, nil],
        .accepted: [nil, nil, .waiting, nil, nil, nil, nil],
        .uploaded: [nil, nil, nil, nil, nil, nil, nil],
        .committed: [nil, nil, .streaming, .streaming, nil, nil, nil],
        .progressed: [nil, nil, nil, nil, nil, nil, nil],
        .stalled: [nil, nil, nil, nil, nil, nil, nil],
        .resumed: [nil, nil, nil, nil, nil, nil, nil],
        .heartbeatSent: [nil, nil, nil, nil, nil, nil, nil],
        .failed: [nil, nil, .backingOff, .backingOff, nil, nil, nil],
        .retryAfterStatus: [nil, nil, .backingOff, .backingOff, nil, nil, nil],
        .adopted: [nil, .collecting, .collecting, .collecting, nil, .collecting, nil],
        .timer: [nil, nil, nil, nil, nil, nil, nil],
        .closed: [.closed, .closed, .closed, .closed, .closed, .closed, nil],
    ]

    @Test("leads where the table says", arguments: Event.allCases)
    func leadsWhereTheTableSays(event: Event) throws {
        let row = try #require(Self.table[event])
        for (phase, expected) in zip(ExchangeMachine.Phase.allCases, row) {
            var machine = ExchangeMachine.started().moved(to: phase)
            #expect(machine.phase == phase)
            event.happen(to: &machine, now: at(1))
            #expect(machine.phase == expected ?? phase, "\(event) in \(phase)")
        }
    }

    @Test("a failure is answered by what the phase allows")
    func failureByPhase() {
        func answer(_ phase: ExchangeMachine.Phase, _ failure: FailureClass = .reset) -> ExchangeMachine.OnFailure {
            var machine = ExchangeMachine.started(attempts: 1).moved(to: phase)
            let attempt = FailedAttempt(failure, wasSent: true)
            return machine.failed(attempt, mayRetry: true, jitter: 0, now: at(1))
        }
        for phase in [ExchangeMachine.Phase.collecting, .queued, .backingOff, .closed] {
            #expect(answer(phase) == .ignore, "\(phase)")
        }
        #expect(answer(.connecting) == .answer(.upstreamReset))
        #expect(answer(.waiting) == .answer(.upstreamReset))
        #expect(answer(.streaming) == .abort(.upstreamReset))
        #expect(answer(.streaming, .stall) == .abort(.idleTimeout))
        #expect(answer(.streaming, .truncated) == .abort(.upstreamTruncated))
    }

    @Test("the books close once, and nothing moves afterwards", arguments: 0..<200 as Range<UInt64>)
    func randomWalk(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var machine = ExchangeMachine.started(attempts: 3)
        var now = 0.0
        var closings = 0
        for _ in 0..<100 {
            let index = Int(random.next() % UInt64(Event.allCases.count - 1))
            let before = machine
            now += Double(random.next() % 1000) / 100
            Event.allCases[index].happen(to: &machine, now: at(now))
            if let row = Self.table[Event.allCases[index]] {
                // A retry that is not allowed leaves the phase to the driver, which closes.
                let mayStay = Event.allCases[index] == .failed
                let expected = row[Int(before.phase.rawValue)] ?? before.phase
                #expect(machine.phase == expected || (mayStay && machine.phase == before.phase))
            }
            #expect(machine.nextDeadline <= machine.deadline)
            if random.next() % 40 == 0, machine.close() { closings += 1 }
            if before.phase == .closed {
                #expect(machine.phase == .closed)
                #expect(machine.timerFired(now: at(1e6)) == .rearm(.never))
            }
        }
        if machine.close() { closings += 1 }
        #expect(closings == 1)
    }
}
