import MartletBase
import MartletLogic
import Testing

@Suite("Exchange machine: attempts")
struct ExchangeRetryTests {
    typealias Machine = ExchangeMachine

    @Test("the first retry goes at once, the later ones wait longer and longer")
    func pausesGrow() {
        var machine = Machine.started(attempts: 10)
        let pauses = (0..<9).map { _ -> Duration? in
            if case .retry(let pause) = machine.loses(jitter: 1, now: at(0)) { pause } else { nil }
        }
        let expected: [Duration?] = [0, 100, 200, 400, 800, 1600, 3200, 6400, 6400].map { .milliseconds($0) }
        #expect(pauses == expected)
        #expect(machine.loses(now: at(0)) == .answer(.upstreamReset))
        #expect(machine.attempts == 10)
    }

    @Test("jitter halves a pause at most")
    func jitter() {
        func secondPause(_ jitter: Double) -> Machine.OnFailure {
            var machine = Machine.started(attempts: 5)
            _ = machine.loses(now: at(0))
            return machine.loses(jitter: jitter, now: at(0))
        }
        #expect(secondPause(0) == .retry(after: .milliseconds(50)))
        #expect(secondPause(1) == .retry(after: .milliseconds(100)))
    }

    @Test("the pause over, it is time to pick again")
    func pickAgain() {
        var machine = Machine.started(attempts: 5)
        _ = machine.loses(now: at(0))
        _ = machine.loses(jitter: 1, now: at(1))
        #expect(machine.timerFired(now: at(1.05)) == .rearm(at(1.1)))
        #expect(machine.timerFired(now: at(1.1)) == .pickAgain)
        machine.picked(now: at(1.1))
        #expect(machine.phase == .connecting)
    }

    @Test("a stale connection is replayed once, and costs no attempt")
    func staleConnection() {
        var machine = Machine.started(isIdempotent: false, attempts: 1, on: [])
        #expect(machine.loses(wasStale: true, now: at(0)) == .replay)
        #expect(machine.attempts == 0)
        #expect(machine.loses(wasStale: true, now: at(0)) == .answer(.upstreamReset))
    }

    @Test("nothing is repeated that cannot be sent again, or for which the budget has no room")
    func mayNotRetry() {
        var machine = Machine.started(attempts: 5)
        #expect(machine.loses(wasSent: false, mayRetry: false, now: at(0)) == .answer(.upstreamReset))
        // The stale keep-alive race is nobody's failure: its replay needs no room in the budget.
        var stale = Machine.started(attempts: 5)
        #expect(stale.loses(wasStale: true, mayRetry: false, now: at(0)) == .replay)
    }

    @Test("a POST that was sent is not repeated, one that was not is")
    func postIsNotRepeated() {
        var sent = Machine.started(isIdempotent: false)
        #expect(sent.loses(.reset, now: at(0)) == .answer(.upstreamReset))
        var unsent = Machine.started(isIdempotent: false)
        #expect(unsent.loses(.connect, wasSent: false, now: at(0)) == .retry(after: .zero))
    }

    @Test("a retriable status goes elsewhere while attempts last")
    func retriableStatus() {
        var machine = Machine.started(attempts: 2, on: [.http503, .http429]).moved(to: .waiting)
        #expect(machine.wouldRetry(status: 503))
        #expect(machine.wouldRetry(status: 429))
        #expect(!machine.wouldRetry(status: 500))
        #expect(!machine.wouldRetry(status: 200))
        machine.retryAfterStatus(now: at(1))
        #expect(machine.timerFired(now: at(1)) == .pickAgain)
        machine.picked(now: at(1))
        #expect(!machine.wouldRetry(status: 503))
        let post = Machine.started(isIdempotent: false, on: [.http503]).moved(to: .waiting)
        #expect(!post.wouldRetry(status: 503))
        let allowed = Machine.started(isIdempotent: false, on: [.http503, .nonIdempotent]).moved(to: .waiting)
        #expect(allowed.wouldRetry(status: 503))
    }

    @Test("only a request that waits for its first byte leaves a lost target")
    func lostTarget() {
        for phase in Machine.Phase.allCases {
            let machine = Machine.started(isIdempotent: false, on: [.error, .nonIdempotentWhenEjected])
            #expect(machine.moved(to: phase).wouldRetryElsewhere == (phase == .waiting), "\(phase)")
        }
        #expect(!Machine.started(isIdempotent: false).moved(to: .waiting).wouldRetryElsewhere)
        #expect(!Machine.started(attempts: 1).moved(to: .waiting).wouldRetryElsewhere)
    }

    @Test("a fallback pool starts the attempts afresh, under its own rules, on the same total")
    func adopt() {
        var machine = Machine.started(attempts: 1) { $0.total = .seconds(100) }
        #expect(machine.loses(now: at(1)) == .answer(.upstreamReset))
        var rules = Timeouts()
        rules.connect = .seconds(7)
        rules.total = .seconds(50)
        var retry = RetryPolicy()
        retry.attempts = 3
        machine.adopt(timeouts: TimeoutIntervals(rules), retry: retry)
        #expect(machine.phase == .collecting)
        #expect(machine.attempts == 0)
        #expect(machine.deadline == at(50))
        machine.picked(now: at(2))
        #expect(machine.timerFired(now: at(9)) == .failAttempt(.connectTimeout))
        #expect(machine.loses(wasStale: true, now: at(9)) == .replay)
        #expect(machine.loses(now: at(9)) == .retry(after: .milliseconds(100)))
    }

    @Test("every failure has an error of its own for the client", arguments: FailureClass.allCases)
    func codes(failure: FailureClass) {
        let code = Machine.code(for: failure)
        #expect((500...599).contains(code.status))
        switch failure {
        case .connect, .connectTimeout, .tls, .reset, .malformed, .truncated, .ejected: #expect(code.status == 502)
        case .firstByteTimeout, .stall, .deadline: #expect(code.status == 504)
        case .status5xx, .status429: #expect(code == .noTarget)
        case .noDescriptor: #expect(code == .overloaded)
        }
    }
}
