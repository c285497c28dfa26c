import MartletBase
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWire
import NIOCore

// The way back: commit, relay, end.
extension Exchange {
    func answerBegan(_ head: ResponseHead, size: BodySize) {
        let now = context.now
        guard machine.phase == .waiting || machine.phase == .connecting else { return }
        if machine.wouldRetry(status: head.status), tryElsewhere(head, now: now) { return }
        let isEventStream = head.isEventStream
        guard machine.committed(isEventStream: isEventStream, heartbeat: context.heartbeat, now: now) else { return }
        giveBackRetry()
        // A unary answer is released in a moment, with the same news.
        if isEventStream, head.status < 500, head.status != 429, let lease { pool?.answered(lease, now: now) }
        // Model servers send the head of a stream before they compute: its first event is the news. What is no stream
        // they begin when all of it is computed.
        if isLimitAdaptive, !isEventStream, head.status < 300 { teachLimit(isWhole: route.isModelAPI, now: now) }
        answerStatus = head.status
        if head.status == 429 { retryAfter = head.retryAfter }
        record.status = UInt16(clamping: head.status)
        countStatus(head.status)
        record.firstByteNanoseconds = now.nanoseconds &- started.nanoseconds
        forgetRequest()
        if isEventStream {
            relay = EventRelay(readsMarks: route.isModelAPI)
            lastEvent = now
        } else if route.isModelAPI, head.status < 300 {
            usage = Boxed(UsageScanner())
        }
        front.respond(
            head, size: isEventStream && size != .none ? .unknown : size,
            dropping: isEventStream ? route.eventStreamDropped : route.responseEdits.dropped,
            extra: isEventStream ? route.eventStreamLines : isRetryBudgetSpent ? linesOfAFailure : route.answerLines)
        rearmIfEarlier()
    }

    /// The target's own failure is passed on, because there are too many retries already: the client's would be more.
    private var linesOfAFailure: HeaderLines {
        var lines = route.answerLines
        if answerStatus == 429 || answerStatus >= 500 { lines.append("x-should-retry", "false") }
        return lines
    }

    /// `limit: adaptive` goes by how long answers take to begin once the connection is there, once for each answer. A
    /// large upload says nothing: its client may have sent it slowly.
    private func teachLimit(isWhole: Bool, now: Instant) {
        isLimitAdaptive = false
        guard let pool, let lease, route.isModelAPI || caller.bodySize.isSmall else { return }
        let after = Duration.wholeNanoseconds(now.nanoseconds &- acceptedSince.nanoseconds)
        pool.firstByte(lease, after: Interval(after), isWhole: isWhole, now: now)
    }

    func relayBody(_ slice: ByteBuffer) {
        guard machine.phase == .streaming else { return }
        let now = context.now
        machine.progressed(now: now)
        let count = slice.readableBytes
        if relay != nil {
            if isLimitAdaptive { teachLimit(isWhole: false, now: now) }
            if let slot { context.meter.interEvent(slot, nanoseconds: now.nanoseconds &- lastEvent.nanoseconds) }
            lastEvent = now
            if let ready = relay?.take(slice) { pass(ready) }
            if let held = relay?.heldBytes, held > 0 || reservedBytes > 0 { settleBudget() }
        } else {
            usage?.value.feed(slice.readableBytesUInt8Span)
            pass(slice)
        }
        if front.isWritable {
            leg?.demand(count)
        } else {
            owedDemand += count
            machine.clientStalled(true, now: now)
        }
    }

    /// Asked by a leg before it reads: at the process's bound nothing is read ahead for a client that takes nothing.
    /// True: the leg waits for the next `demand`.
    package func waitsForClient() -> Bool {
        guard context.budget.isExhausted, !front.isWritable, machine.phase == .streaming else { return false }
        machine.clientStalled(true, now: context.now)
        return true
    }

    func clientResumed() {
        guard machine.phase == .streaming else { return }
        let owed = owedDemand
        owedDemand = 0
        machine.clientStalled(false, now: context.now)
        rearmIfEarlier()
        leg?.demand(owed)
    }

    private func pass(_ slice: ByteBuffer) {
        record.bytesOut += UInt64(slice.readableBytes)
        front.body(slice)
    }

    func answerEnded() {
        leg = nil
        guard machine.phase == .streaming else { return }
        let rest = relay?.finish()
        if route.isModelAPI, let marks = relay?.marks, answerStatus < 300, !marks.isDone, endsWithDone {
            // The client would take the silence for the end of the answer. Half an event that is held stays unsent.
            return attemptFailed(.truncated, wasSent: true, wasStale: false)
        }
        if let rest { pass(rest) }
        front.end()
        close(.completed, verdict: verdict(forStatus: answerStatus))
    }

    // MARK: Errors

    /// The request cannot go on: an error answer, or the end of the one that has begun.
    func fail(_ error: MartletError, retryAfter: Duration? = nil) {
        if machine.phase == .streaming { abort(error) } else { answer(error, retryAfter: retryAfter) }
    }

    /// Ends the request with an error answer of our own. Only before the commit point.
    ///
    /// - Parameters:
    ///   - retryAfter: spread by a fifth either way, so that those refused together do not come back together.
    ///   - isShed: whether this sheds load, where the code says so: clients of ours that try again make it worse.
    func answer(_ error: MartletError, retryAfter: Duration? = nil, isShed: Bool = true) {
        guard machine.phase != .streaming, machine.phase != .closed else { return }
        dropLeg(.timeout)
        record.errorCode = error.code
        record.status = UInt16(clamping: error.code.status)
        var extra = route.answerLines
        if let retryAfter, error.code.status == 503 {
            let seconds = retryAfter.inSeconds * (0.8 + 0.4 * context.draw())
            extra.append("Retry-After", String(max(1, Int(seconds.rounded(.up)))))
        }
        for (name, value) in error.headers { extra.append(name, value) }
        if isRetryBudgetSpent || (isShed && error.code.isShed) { extra.append("x-should-retry", "false") }
        let bytes = front.answer(error, shape: route.shape, lines: extra, date: context.date())
        record.bytesOut += UInt64(bytes)
        close(Self.outcome(for: error.code), verdict: .neutral)
    }

    /// Breaks off an answer that has begun: never silently.
    func abort(_ error: MartletError) {
        guard machine.phase == .streaming else { return }
        dropLeg(.timeout)
        record.errorCode = error.code
        if let relay {
            let event = (relay.isMidEvent ? "\n\n" : "") + route.shape.event(error)
            pass(ByteBuffer(string: event))
        }
        front.abort()
        let outcome: Outcome =
            switch error.code {
            case .idleTimeout, .totalTimeout, .deadlineExceeded: .timedOut
            case .shuttingDown: .drained
            default: .truncated
            }
        close(outcome, verdict: .neutral)
    }

    func clientLeft(_ reason: CancelReason) {
        guard machine.phase != .closed else { return }
        record.cancelPhase = cancelPhase
        close(reason == .drain ? .drained : .clientGone, verdict: .neutral)
    }

    private var cancelPhase: CancelPhase? {
        switch machine.phase {
        case .collecting, .closed: nil
        case .queued: .queued
        case .connecting: .connecting
        case .waiting: .waiting
        case .streaming: .streaming
        case .backingOff: .backingOff
        }
    }

    // MARK: The end

    /// Closes the books, once: every resource goes back, the ledger gets its record.
    func close(_ outcome: Outcome, verdict: AttemptResult) {
        guard machine.close() else { return }
        let now = context.now
        leaveQueue(now: now)
        front.wake(self, at: .never)
        dropLeg(outcome == .clientGone ? .clientGone : .shutdown)
        releaseLease(verdict, now: now)
        giveBackRetry()
        readTokens()
        body.forget()
        relay = nil
        settleBudget()
        record.outcome = outcome
        record.durationNanoseconds = now.nanoseconds &- started.nanoseconds
        context.meter.record(record)
        if let accessLog { details?.value.write(record, to: accessLog) }
    }

    /// Nothing is sent again: what was kept for that goes.
    private func forgetRequest() {
        if let request { context.buffers.give(&request.lines.bytes) }
        request = nil
        body.commit()
        settleBudget()
    }

    /// Chat and text completions end their streams with `[DONE]`.
    private var endsWithDone: Bool { record.operation == .chat || record.operation == .textCompletion }

    private func countStatus(_ status: Int) {
        guard let slot else { return }
        if status == 429 { context.meter.failed(slot, .status429) }
        if status >= 500 { context.meter.failed(slot, .status5xx) }
    }

    private func readTokens() {
        guard let found = relay?.marks?.usage ?? usage?.value.usage else { return }
        record.inputTokens = UInt64(clamping: found.prompt)
        record.outputTokens = UInt64(clamping: found.completion)
    }

    private func tryElsewhere(_ head: ResponseHead, now: Instant) -> Bool {
        guard body.canReplay, let pool, let lease, pool.isUsable(besides: lease.id, now: now) else { return false }
        guard pool.beginRetry() else {
            isRetryBudgetSpent = true
            return false
        }
        dropLeg(.replaced)
        tried.append(lease.id)
        releaseLease(verdict(forStatus: head.status, head: head), now: now)
        giveBackRetry()
        holdsRetry = true
        context.meter.retried(pool: record.pool, because: head.status == 429 ? .status429 : .status5xx)
        machine.retryAfterStatus(now: now)
        pick(now: now)
        leg?.flush()
        return true
    }

    private func verdict(forStatus status: Int, head: ResponseHead? = nil) -> AttemptResult {
        switch status {
        case 429: .failure(.status429, retryAfter: head?.retryAfter ?? retryAfter)
        case 500...: .failure(.status5xx, retryAfter: nil)
        default: .success
        }
    }

    private static func outcome(for code: ErrorCode) -> Outcome {
        switch code {
        case .firstByteTimeout, .idleTimeout, .totalTimeout, .deadlineExceeded, .queueTimeout, .connectTimeout:
            .timedOut
        case .shuttingDown: .drained
        case .internalError: .poisoned
        default: code.fault == .upstream ? .upstreamFailed : .refused
        }
    }
}

extension BodySize {
    /// Comes along with the head, in a read or two.
    fileprivate var isSmall: Bool {
        switch self {
        case .none: true
        case .exactly(let bytes): bytes <= 64 << 10
        case .unknown: false
        }
    }
}

extension ErrorCode {
    /// Refused to shed load, or too late already: clients that try again at once make it worse.
    fileprivate var isShed: Bool {
        switch self {
        case .queueFull, .queueTimeout, .noCapacity, .overloaded, .deadlineExceeded: true
        default: false
        }
    }
}
