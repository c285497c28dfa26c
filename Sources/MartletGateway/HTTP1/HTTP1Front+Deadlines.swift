import MartletBase
import MartletExchange
import MartletNet
import NIOCore

// One entry of the loop's wheel for the whole connection: heads and bodies that come too slowly, idle connections,
// readers that take nothing.
extension HTTP1Front: Timed {
    /// While the process is at its bound, a client that takes nothing has this long in place of `slow_reader`: what it
    /// does not take keeps others from being served.
    private static let patience: Duration = .seconds(1)

    func setDeadline(_ instant: Instant) {
        deadline = instant
        arm(instant)
    }

    func wake(_ exchange: Exchange, at instant: Instant) {
        arm(instant)
    }

    private func arm(_ instant: Instant) {
        guard state != .closed else { return }
        timer.wake(self, by: instant, on: loop.wheel)
    }

    /// The body did not come with its head: from now on it has to arrive at some speed.
    func watchBody() {
        bodyStarted = loop.now
        setDeadline(bodyStarted + settings.bodyGrace)
    }

    func watchSlowReader() {
        takenBytes = out.writtenBytes - pendingBytes
        takenAt = loop.now
        arm(takenAt + min(settings.slowReader, Self.patience))
    }

    /// Tells the process-wide bound what waits here: answers for a client that does not take them, and requests that
    /// came before the answer to the one before them.
    func settleHeld() {
        var held = isPeerWritable || state == .closed ? 0 : bufferedBytes
        if state == .busy, isRequestRead { held += input?.readableBytes ?? 0 }
        guard held != heldBytes else { return }
        loop.hold(held - heldBytes)
        heldBytes = held
    }

    private var bufferedBytes: Int {
        (try? channel?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Bytes that wait for the client to take them.
    private var pendingBytes: Int { bufferedBytes + (channel?.channel.bytesInKernel ?? 0) }

    /// Whether the client took bytes since the last look: then it has time again. Only while some are waiting.
    private func isTaking(_ now: Instant) -> Bool {
        let pending = pendingBytes
        guard pending > 0, out.writtenBytes - pending > takenBytes else { return false }
        takenBytes = out.writtenBytes - pending
        takenAt = now
        deadline = max(deadline, now + settings.slowReader)
        return true
    }

    func deadlineReached(now: Instant) -> Instant {
        timer.fired()
        loop.readClock()
        var next = nextDeadline(now)
        if let exchange { next = min(next, exchange.deadlineReached(now: now)) }
        return timer.again(at: next)
    }

    private func nextDeadline(_ now: Instant) -> Instant {
        guard isPeerWritable else {
            let next = stalledDeadline(now)
            return state == .busy ? min(next, busyDeadline(now)) : next
        }
        switch state {
        case .closed: return .never
        case .idle, .inHead:
            guard now >= deadline, !isTaking(now) else { return deadline }
            // After a pause of the machine time is seen to be over before what came in time.
            if state == .idle, hasUnreadRequest { return now + .seconds(1) }
            expired()
            return deadline
        case .lingering:
            guard now >= deadline, !isTaking(now) else { return deadline }
            close(reset: true)
            return .never
        case .busy: return busyDeadline(now)
        }
    }

    private func expired() {
        // A connection on which nothing came is closed without a word; half a head is answered.
        if let refusal {
            refuse(MartletError(refusal))
        } else if state == .inHead {
            refuse(MartletError(.requestTimeout))
        } else {
            close()
        }
    }

    /// Bytes wait here that the client does not take.
    private func stalledDeadline(_ now: Instant) -> Instant {
        settleHeld()
        if isTaking(now) { return now + min(settings.slowReader, Self.patience) }
        let end = takenAt + settings.slowReader
        if now < end {
            let isInTheWay = loop.budget.isExhausted && now >= takenAt + Self.patience
            guard isInTheWay else { return min(end, now + Self.patience) }
            if exchange != nil {
                refuse(MartletError(.overloaded))
                return now + Self.patience
            }
        }
        close(reset: true, reason: .slowReader)
        return .never
    }

    private func busyDeadline(_ now: Instant) -> Instant {
        guard bodyStarted != .never, !isReadingOff else { return .never }
        let elapsed = now - bodyStarted - settings.bodyGrace
        guard now >= deadline, elapsed.inSeconds * Double(settings.bodyBytesPerSecond) > Double(bodyBytes) else {
            return now + .seconds(1)
        }
        refuse(MartletError(.requestTimeout))
        return .never
    }
}
