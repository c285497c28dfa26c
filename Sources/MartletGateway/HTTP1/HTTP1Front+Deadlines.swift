import MartletBase
import MartletExchange
import MartletNet
import NIOCore

// One entry of the loop's wheel for the whole connection: heads and bodies that come too slowly, idle connections,
// readers that take nothing.
extension HTTP1Front: Timed {
    /// The entry of the wheel moves only to an earlier instant; one that fires early is put off then, which is cheaper
    /// than moving it for every request.
    func setDeadline(_ instant: Instant) {
        deadline = instant
        guard instant < armedUntil, timer != .none else { return }
        armedUntil = instant
        loop.wheel.rearm(&timer, self, at: instant)
    }

    /// The body did not come with its head: from now on it has to arrive at some speed.
    func watchBody() {
        bodyStarted = loop.now
        setDeadline(bodyStarted + settings.bodyGrace)
    }

    func watchSlowReader() {
        takenBytes = writtenBytes - pendingBytes
        setDeadline(loop.now + settings.slowReader)
    }

    /// Bytes that wait for the client to take them.
    private var pendingBytes: Int {
        guard let channel = channel?.channel else { return 0 }
        let buffered = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        return buffered + channel.bytesInKernel
    }

    /// Whether the client took bytes since the last look: then it has time again. Only while some are waiting.
    private func isTaking(_ now: Instant) -> Bool {
        let pending = pendingBytes
        guard pending > 0, writtenBytes - pending > takenBytes else { return false }
        takenBytes = writtenBytes - pending
        deadline = now + settings.slowReader
        return true
    }

    func deadlineReached(now: Instant) -> Instant {
        armedUntil = .never
        let next = nextDeadline(now)
        // Whoever set an earlier deadline meanwhile has armed it.
        armedUntil = min(armedUntil, next)
        return armedUntil
    }

    private func nextDeadline(_ now: Instant) -> Instant {
        guard state != .closed else { return .never }
        loop.readClock()
        switch state {
        case .closed: return .never
        case .idle, .inHead:
            guard now >= deadline, !isTaking(now) else { return deadline }
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
        if state == .inHead { refuse(MartletError(.requestTimeout)) } else { close() }
    }

    private func busyDeadline(_ now: Instant) -> Instant {
        if !isPeerWritable {
            guard now >= deadline, !isTaking(now) else { return deadline }
            close(reset: true, reason: .slowReader)
            return .never
        }
        if bodyStarted != .never, !isReadingOff {
            let elapsed = now - bodyStarted - settings.bodyGrace
            if now >= deadline, elapsed.inSeconds * Double(settings.bodyBytesPerSecond) > Double(bodyBytes) {
                refuse(MartletError(.requestTimeout))
                return now + .seconds(2)
            }
        }
        return now + .seconds(1)
    }
}
