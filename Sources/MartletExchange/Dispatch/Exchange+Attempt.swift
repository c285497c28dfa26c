import MartletBase
import MartletLogic
import MartletTelemetry
import MartletWire
import NIOCore

// Attempts: pick, send, fail, try again.
extension Exchange {
    func pick(now: Instant) {
        guard let pool else { return answer(MartletError(.internalError)) }
        let bytes = body.bytesToHold(announced: caller.bodySize)
        let wanted = PickRequest(
            waiter: WaiterID(number), priority: caller.priority, deadline: machine.queueDeadline(now: now),
            finish: machine.deadline, bytes: bytes, hashKey: hashKey, excluding: tried, mayExpect: !mayFallBack)
        switch pool.pick(wanted, for: self, now: now) {
        case .target(let target):
            attempt(target, now: now)
        case .queued:
            isInQueue = true
            queuedBytes = bytes
            queuedSince = now
            machine.queued(now: now)
            rearmIfEarlier()
        case .refused(let refusal, let retryAfter):
            guard !fallBack(now: now) else { return }
            let code = refusal == .noTarget && pool.isRetired ? .poolRemoved : Self.code(for: refusal)
            answer(MartletError(code), retryAfter: retryAfter, isShed: refusal != .allDown)
        }
    }

    func placeGranted(_ target: Target) {
        isInQueue = false
        guard machine.phase == .queued else {
            pool?.release(target, .neutral, now: context.now)
            return
        }
        attempt(target, now: context.now)
    }

    private func attempt(_ target: Target, now: Instant) {
        if queuedSince != .never {
            let waited = now.nanoseconds &- queuedSince.nanoseconds
            record.queueWaitNanoseconds = (record.queueWaitNanoseconds ?? 0) &+ waited
            queuedSince = .never
        }
        lease = target
        record.target = target.id
        record.attempts &+= 1
        slot = context.meter.attempt(at: target.id)
        (attemptStarted, acceptedSince) = (now, now)
        machine.picked(now: now)
        rearmIfEarlier()
        body.rewind()
        let isFresh = wantsFreshConnection
        wantsFreshConnection = false
        openLeg { $0.open(target, for: self, isFresh: isFresh) }
    }

    func openLeg(_ open: (any LegSource) -> any Leg) {
        wasSent = false
        isBodyEndSent = false
        guard let legs = context.legs, let request else { return answer(MartletError(.internalError)) }
        let leg = open(legs)
        self.leg = leg
        let size = body.isComplete ? .exactly(body.receivedBytes, orNone: caller) : caller.bodySize
        if leg.start(request, size: size) { attemptAccepted(isNew: false) }
        pumpRequestBody()
    }

    func attemptAccepted(isNew: Bool) {
        guard !wasSent else { return }
        let now = context.now
        wasSent = true
        acceptedSince = now
        if isNew, let slot {
            record.connectNanoseconds = now.nanoseconds &- attemptStarted.nanoseconds
            context.meter.connected(slot, nanoseconds: now.nanoseconds &- attemptStarted.nanoseconds)
        }
        machine.accepted(now: now)
        rearmIfEarlier()
    }

    /// The attempt is over without an answer: health hears of it, then the machine decides.
    ///
    /// - Parameter keepsRetry: the place in the retry budget that the request holds is for the next attempt.
    func attemptFailed(_ failure: FailureClass, wasSent: Bool, wasStale: Bool, keepsRetry: Bool = false) {
        let now = context.now
        dropLeg(.replaced)
        if let lease { tried.append(lease.id) }
        let isBlameless = wasStale || failure.concernsNoTarget
        let isEjected = releaseLease(isBlameless ? .neutral : .failure(failure, retryAfter: nil), now: now)
        if !isBlameless, let slot { context.meter.failed(slot, failure) }
        if !keepsRetry { giveBackRetry() }
        let failed = FailedAttempt(
            failure, wasSent: wasSent, wasStaleConnection: wasStale && body.canReplay,
            isTargetEjected: isEjected || failure == .ejected)
        let hasUntried = failure == .connect && body.canReplay && pool?.hasUntried(tried, now: now) == true
        switch machine.failed(
            failed, hasUntriedTarget: hasUntried, mayRetry: keepsRetry || takeRetry(), jitter: context.draw(), now: now)
        {
        case .replay:
            // The other idle connections to this target may have died with that one.
            wantsFreshConnection = true
            tried.removeLast(tried.isEmpty ? 0 : 1)
            pick(now: now)
        case .retry(let pause):
            context.meter.retried(pool: record.pool, because: failure)
            if pause == .zero { pick(now: now) } else { rearmIfEarlier() }
        case .answer(let code):
            guard failure == .noDescriptor || !(code.retry == .yes && fallBack(now: now)) else { return }
            answer(MartletError(code), retryAfter: failure == .noDescriptor ? .seconds(1) : nil)
        case .abort(let code):
            abort(MartletError(code))
        case .ignore:
            context.meter.impossibleEvent()
        }
    }

    func targetWasLost() {
        // Leaving makes sense only when there is somewhere to go, a try left and room in the retry budget; else the
        // answer may still come.
        let now = context.now
        guard machine.wouldRetryElsewhere, body.canReplay, let lease,
            pool?.isUsable(besides: lease.id, now: now) == true, holdsRetry || takeRetry()
        else { return }
        attemptFailed(.ejected, wasSent: true, wasStale: false, keepsRetry: true)
    }

    /// Goes to the fallback pool once, while nothing was sent to the client.
    func fallBack(now: Instant) -> Bool {
        guard mayFallBack, let fallback = modelEntry?.fallback else { return false }
        hasFallenBack = true
        // It was taken from the pool that is left behind.
        giveBackRetry()
        isRetryBudgetSpent = false
        tried.removeAll(keepingCapacity: true)
        use(fallback)
        pick(now: now)
        return true
    }

    private var mayFallBack: Bool {
        modelEntry?.fallback != nil && !hasFallenBack && body.canReplay && machine.phase != .streaming
    }

    // MARK: The retry budget

    private func takeRetry() -> Bool {
        guard body.canReplay, let pool else { return false }
        guard pool.beginRetry() else {
            isRetryBudgetSpent = true
            return false
        }
        holdsRetry = true
        return true
    }

    func giveBackRetry() {
        guard holdsRetry else { return }
        holdsRetry = false
        pool?.endRetry()
    }

    // MARK: What an attempt holds

    /// Gives the place at the target back; answers whether it failed and the target is out now.
    @discardableResult
    func releaseLease(_ result: AttemptResult, now: Instant) -> Bool {
        guard let target = lease else { return false }
        lease = nil
        return pool?.release(target, result, now: now) ?? false
    }

    func dropLeg(_ reason: CancelReason) {
        guard let leg else { return }
        self.leg = nil
        leg.cancel(reason)
    }

    func leaveQueue(now: Instant) {
        guard isInQueue else { return }
        // False: a place was granted and is on its way here; `placeGranted` gives it back.
        if pool?.leave(WaiterID(number), now: now) == true { isInQueue = false }
    }

    // MARK: What is asked for

    private var hashKey: UInt64? {
        switch keyRule {
        case nil: return nil
        case .header(let name): return request?.head.headers.value(named: name).map { FNV1a.of($0) }
        case .client: return caller.client.map { FNV1a.of($0) }
        case .path:
            return FNV1a.of(request?.head.path ?? "")
        }
    }

    private static func code(for refusal: Refusal) -> ErrorCode {
        switch refusal {
        case .noTarget: .noTarget
        case .queueFull: .queueFull
        case .allDown, .tooLate: .noCapacity
        }
    }
}

extension BodySize {
    /// A body that is wholly read has a length, unless the request announced none.
    static func exactly(_ bytes: Int, orNone caller: CallerFacts) -> BodySize {
        caller.bodySize == .none ? .none : .exactly(bytes)
    }
}
