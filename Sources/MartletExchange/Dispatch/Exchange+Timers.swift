import MartletBase
import MartletLogic
import MartletNet
import NIOCore

// Deadlines: the front wakes the exchange, and is told only when that has to be earlier.
extension Exchange {
    func rearmIfEarlier() {
        let next = machine.nextDeadline
        guard next < armedUntil, machine.phase != .closed else { return }
        armedUntil = next
        front.wake(self, at: next)
    }

    /// No place in time: the fallback may have one.
    func hasNoPlace(_ code: ErrorCode) {
        let now = context.now
        if now >= caller.deadline { return answer(MartletError(.deadlineExceeded)) }
        guard !fallBack(now: now) else { return }
        answer(MartletError(code), retryAfter: pool?.retryAfter(caller.priority, now: now))
    }

    func timerFired(_ now: Instant) {
        switch machine.timerFired(now: now) {
        case .rearm: break
        case .pickAgain: pick(now: now)
        case .failAttempt(let failure):
            dropLeg(.timeout)
            attemptFailed(failure, wasSent: wasSent, wasStale: false)
        case .refuse(let code):
            leaveQueue(now: now)
            // Still in the queue: a place was granted in this very moment and is on its way.
            if !isInQueue { hasNoPlace(code) }
        case .expire(let code):
            if machine.phase == .streaming { abort(MartletError(code)) } else { answer(MartletError(code)) }
        case .heartbeat:
            machine.heartbeatSent(now: now)
            guard let relay, !relay.isMidEvent, front.isWritable else { return }
            front.body(ByteBuffer(string: ":\n\n"))
            front.flush()
        }
    }
}
