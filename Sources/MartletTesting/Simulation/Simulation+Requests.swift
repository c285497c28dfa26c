import MartletBase
import MartletLogic

// What happens to the requests: the part that `Exchange` plays around its machine.
extension Simulation {
    func arrive(_ burst: Int) {
        guard !isQuiet else { return }
        for _ in 0..<burst { newRequest(isPatient: false) }
        let next = oneIn(8) ? draw(30) + 5 : draw(3) + 1
        events.plan(.arrival(burst: next), at: now + pause(upTo: oneIn(4) ? 2_000 : 200))
    }

    /// - Parameter isPatient: states no deadline and does not leave.
    func newRequest(isPatient: Bool) {
        let deadline = !isPatient && oneIn(4) ? now + pause(upTo: 4_000) : Instant.never
        let request = SimulatedRequest(
            number: requests.count, priority: PriorityClass.allCases[draw(3)], bytes: draw(1_000),
            callerDeadline: deadline, pieces: oneIn(2) ? 0 : draw(6) + 1, hashKey: UInt64(draw(6)),
            machine: ExchangeMachine(
                timeouts: TimeoutIntervals(policy.timeouts), retry: policy.retry, isIdempotent: oneIn(2),
                callerDeadline: deadline, now: now))
        requests.append(request)
        books.met.requests += 1
        if !isPatient, oneIn(3) { events.plan(.leave(request.number), at: now + pause(upTo: oneIn(2) ? 300 : 5_000)) }
        pick(request)
        arm(request)
    }

    // MARK: Attempts

    func pick(_ request: SimulatedRequest) {
        if request.isCommitted { books.note("request \(request.number) is tried again after its answer began") }
        let wanted = PickRequest(
            waiter: WaiterID(UInt64(request.number)), priority: request.priority,
            deadline: request.machine.queueDeadline(now: now), finish: request.machine.deadline, bytes: request.bytes,
            hashKey: request.hashKey, excluding: request.tried)
        let before = pool.status(now: now)
        switch pool.pick(wanted, now: now) {
        case .target(let target):
            if wanted.deadline <= now { books.note("request \(request.number) begins past its deadline") }
            books.judge(target, tried: request.tried, before)
            books.chosen(request)
            take(target)
            attempt(request, target)
        case .queued: queued(request, until: wanted.deadline)
        case .queuedInPlaceOf(let victims):
            for victim in victims.map({ requests[Int($0.rawValue)] }) {
                books.evicted(victim, for: request)
                events.plan(.placeLost(victim.number), at: now + pause(upTo: 3))
            }
            queued(request, until: wanted.deadline)
        case .refused(let refusal, let retryAfter):
            books.met.refusals[refusal, default: 0] += 1
            if retryAfter < .zero { books.note("asked to come back in the past") }
            if refusal == .noTarget, before.targets.contains(where: \.isUp) { books.note("refused, but one is up") }
            close(request, .refused, .neutral)
        }
    }

    private func queued(_ request: SimulatedRequest, until deadline: Instant) {
        books.joined(request)
        request.isInQueue = true
        request.queueDeadline = deadline
        request.machine.queued(now: now)
        arm(request)
    }

    func placeGranted(_ request: SimulatedRequest, _ target: TargetID) {
        request.isInQueue = false
        guard request.machine.phase == .queued else {
            release(target, .neutral)
            return
        }
        attempt(request, target)
    }

    func placeLost(_ request: SimulatedRequest) {
        request.isInQueue = false
        if request.machine.phase == .queued { close(request, .refused, .neutral) }
    }

    private func attempt(_ request: SimulatedRequest, _ target: TargetID) {
        request.lease = target
        request.attempt += 1
        request.attemptStart = now
        request.wasSent = false
        request.machine.picked(now: now)
        arm(request)
        switch mood(of: target) {
        case .refusing: say(.failed(.connect, isStale: false), to: request, after: pause(upTo: 2))
        case .gone: break
        case .breaking where oneIn(3): say(.failed(.reset, isStale: oneIn(2)), to: request, after: pause(upTo: 20))
        default: say(.accepted, to: request, after: pause(upTo: 5))
        }
    }

    func say(_ news: EventQueue.News, to request: SimulatedRequest, after pause: Duration) {
        events.plan(.news(request.number, attempt: request.attempt, news), at: now + pause)
    }

    private func mood(of target: TargetID) -> SimulatedTarget.Mood {
        targets.first { $0.id == target }?.mood ?? .gone
    }

    func targetSays(_ news: EventQueue.News, _ attempt: Int, _ request: SimulatedRequest) {
        guard request.outcome == nil, request.attempt == attempt, let target = request.lease else { return }
        let mood = mood(of: target)
        switch news {
        case .failed(let failure, let isStale):
            failed(request, failure, isStale: isStale && !request.wasSent, keepsRetry: false)
        case .accepted:
            request.wasSent = true
            request.machine.accepted(now: now)
            arm(request)
            let patience = mood == .slow ? 3_000 : 150
            if mood != .blackHole, mood != .gone { say(.head, to: request, after: pause(upTo: patience)) }
        case .head:
            switch mood {
            case .blackHole, .gone: break
            case .breaking: failed(request, .reset, isStale: false, keepsRetry: false)
            case .refusing: failed(request, .reset, isStale: false, keepsRetry: false)
            case .failing: answerBegan(request, status: oneIn(2) ? 500 : 503)
            case .busy: answerBegan(request, status: 429)
            case .well, .slow: answerBegan(request, status: oneIn(20) ? 404 : 200)
            }
        case .piece(let left):
            guard mood != .blackHole, mood != .gone else { return }
            guard mood != .breaking else { return failed(request, .truncated, isStale: false, keepsRetry: false) }
            request.machine.progressed(now: now)
            guard left > 0 else { return close(request, .completed, .success) }
            say(.piece(left: left - 1), to: request, after: pause(upTo: mood == .slow ? 2_500 : 200))
        }
    }

    private func answerBegan(_ request: SimulatedRequest, status: Int) {
        let isStream = request.pieces > 0 && status == 200
        if request.machine.wouldRetry(status: status), tryElsewhere(request, status: status) { return }
        guard request.machine.committed(isEventStream: isStream, heartbeat: nil, now: now) else { return }
        request.isCommitted = true
        giveBackRetry(request)
        if policy.limit == .adaptive, status == 200, let target = request.lease {
            settle(pool.firstByte(target, after: Interval(now - request.attemptStart), now: now))
        }
        guard isStream, let target = request.lease else { return close(request, .completed, verdict(status)) }
        settle(pool.answered(target, now: now).grants)
        say(.piece(left: request.pieces), to: request, after: pause(upTo: 100))
        arm(request)
    }

    private func verdict(_ status: Int) -> AttemptResult {
        switch status {
        case 429: .failure(.status429, retryAfter: oneIn(2) ? .seconds(2) : nil)
        case 500...: .failure(.status5xx)
        default: .success
        }
    }

    private func tryElsewhere(_ request: SimulatedRequest, status: Int) -> Bool {
        let others = pool.status(now: now).targets.contains { $0.id != request.lease && $0.isUp }
        guard others, let target = request.lease, takeRetry(request, isNew: true) else { return false }
        request.tried.append(target)
        request.lease = nil
        release(target, verdict(status))
        request.machine.retryAfterStatus(now: now)
        pick(request)
        arm(request)
        return true
    }

    private func failed(_ request: SimulatedRequest, _ failure: FailureClass, isStale: Bool, keepsRetry: Bool) {
        var isEjected = false
        if let target = request.lease {
            request.tried.append(target)
            request.lease = nil
            isEjected = release(target, isStale ? .neutral : .failure(failure))
        }
        if !keepsRetry { giveBackRetry(request) }
        let attempt = FailedAttempt(
            failure, wasSent: request.wasSent, wasStaleConnection: isStale,
            isTargetEjected: isEjected || failure == .ejected)
        let hasUntried = pool.status(now: now).targets.contains { $0.isUp && !request.tried.contains($0.id) }
        let next = request.machine.failed(
            attempt, hasUntriedTarget: hasUntried, mayRetry: keepsRetry || takeRetry(request, isNew: false),
            jitter: Double(draw(100)) / 100, now: now)
        switch next {
        case .replay:
            request.tried.removeLast()
            pick(request)
        case .retry(let pause):
            if pause == .zero { pick(request) }
        case .answer: close(request, .upstreamFailed, .neutral)
        case .abort: close(request, .truncated, .neutral)
        case .ignore: books.note("request \(request.number) failed in \(request.machine.phase.text)")
        }
        arm(request)
    }

    func targetWasLost(_ request: SimulatedRequest) {
        guard request.machine.wouldRetryElsewhere,
            pool.status(now: now).targets.contains(where: { $0.id != request.lease && $0.isUp }),
            request.holdsRetry || takeRetry(request, isNew: false)
        else { return }
        failed(request, .ejected, isStale: false, keepsRetry: true)
    }

    // MARK: What a request holds

    /// - Parameter isNew: also where it holds a place for the present attempt, which it gives back then.
    private func takeRetry(_ request: SimulatedRequest, isNew: Bool) -> Bool {
        guard isNew || !request.holdsRetry, pool.beginRetry() else { return false }
        books.beganRetry()
        if request.holdsRetry { giveBackRetry(request) }
        request.holdsRetry = true
        return true
    }

    private func giveBackRetry(_ request: SimulatedRequest) {
        guard request.holdsRetry else { return }
        request.holdsRetry = false
        books.endedRetry()
        pool.endRetry()
    }

    /// Answers whether the target is out because of it.
    @discardableResult
    private func release(_ target: TargetID, _ result: AttemptResult) -> Bool {
        guard let index = targets.firstIndex(where: { $0.id == target }) else {
            books.note("\(target) is gone, and a request holds it")
            return false
        }
        books.gaveBack(&targets[index])
        let outcome = pool.release(target, result, now: now)
        let isEmptied = targets[index].operatorState != .inService && targets[index].leases == 0
        if outcome.isEmptied != isEmptied { books.note("\(target) says that it runs empty, or does not") }
        if isEmptied, targets[index].operatorState == .removed { targets.remove(at: index) }
        settle(outcome.grants)
        books.auditRoom(pool.status(now: now))
        if outcome.change?.to.reason != nil { books.met.ejections += 1 }
        return outcome.change?.to.reason != nil
    }

    private func leaveQueue(_ request: SimulatedRequest) {
        guard request.isInQueue, pool.leave(WaiterID(UInt64(request.number)), now: now) else { return }
        books.left(request)
        request.isInQueue = false
    }

    // MARK: Ends

    func clientLeaves(_ request: SimulatedRequest) {
        if request.outcome == nil { close(request, .clientGone, .neutral) }
    }

    func timerFired(_ request: SimulatedRequest) {
        guard request.outcome == nil else { return }
        request.timerAt = .never
        switch request.machine.timerFired(now: now) {
        case .rearm: break
        case .pickAgain: pick(request)
        case .failAttempt(let failure): failed(request, failure, isStale: false, keepsRetry: false)
        case .refuse:
            leaveQueue(request)
            // Else a place was granted or lost in this very moment, and the news is on its way.
            if !request.isInQueue { close(request, .timedOut, .neutral) }
        case .expire: close(request, .timedOut, .neutral)
        case .heartbeat: request.machine.heartbeatSent(now: now)
        }
        arm(request)
    }

    func close(_ request: SimulatedRequest, _ outcome: Outcome, _ verdict: AttemptResult) {
        guard request.outcome == nil, request.machine.close() else {
            return books.note("request \(request.number) ended twice")
        }
        if isLate(request.machine.deadline) { books.note("request \(request.number) outlived its deadline") }
        request.outcome = outcome
        books.met.outcomes[outcome, default: 0] += 1
        leaveQueue(request)
        if let target = request.lease {
            request.lease = nil
            release(target, verdict)
        }
        giveBackRetry(request)
    }
}
