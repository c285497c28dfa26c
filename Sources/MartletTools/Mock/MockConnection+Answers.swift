import MartletBase
import NIOCore
import Synchronization

/// Writing the answers, faults included.
extension MockConnection {
    private static let burst = 64
    /// How often a silent stream looks whether the black hole is gone.
    private static let blackHolePause: UInt64 = 10_000_000

    /// The first byte is due.
    func answer(now: UInt64) {
        guard let exchange else { return }
        if site.shared.conduct.isBlackHole {
            phase = .silent
            return
        }
        let request = exchange.request
        if request.endpoint == .health, answerHealth(exchange) { return }
        let streams = (request.endpoint == .chat || request.endpoint == .completions) && request.wantsStream
        switch exchange.behaviour.fault {
        case .hang, .blackHole:
            phase = .silent
        case .reset:
            finishBroken { self.reset() }
        case .close:
            finishBroken { self.closeWhenWritten() }
        case .garbage:
            write(ByteBuffer(string: "\u{1}\u{2} this is not HTTP\r\n\r\n\u{0}"))
            finishBroken { self.closeWhenWritten() }
        case .status(let status, let retryAfter):
            write(site.answers.status(status, retryAfter: retryAfter, closes: exchange.closes).bytes)
            finish(.completed)
        case .html:
            write(site.answers.page(closes: exchange.closes).bytes)
            finish(.completed)
        case .informational(let count):
            for _ in 0..<min(count, 10_000) {
                write(ByteBuffer(string: "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"))
            }
            fallthrough
        default:
            began()
            if streams, exchange.behaviour.fault != .short { beginStream(now: now) } else { answerWhole() }
        }
    }

    /// Whether the health check got its answer here. A backend that hangs or is gone does not answer it either; no
    /// other fault concerns it.
    private func answerHealth(_ exchange: Exchange) -> Bool {
        switch exchange.behaviour.fault {
        case .hang, .blackHole, .reset, .close: return false
        default: break
        }
        if exchange.behaviour.health == 200 {
            write(site.answers.unary(exchange.request, size: 0, closes: exchange.closes).bytes)
        } else {
            write(site.answers.status(exchange.behaviour.health, retryAfter: nil, closes: exchange.closes).bytes)
        }
        finish(.completed)
        return true
    }

    private func began() {
        guard let id = exchange?.id else { return }
        site.shared.records.began(id, microseconds: monotonicNanoseconds() / 1000)
    }

    private func finishBroken(_ end: () -> Void) {
        phase = .closed
        finish(.failed)
        end()
    }

    // MARK: Answers in one piece

    private func answerWhole() {
        guard let exchange else { return }
        let answer = site.answers.unary(exchange.request, size: exchange.behaviour.size, closes: exchange.closes)
        switch exchange.behaviour.fault {
        case .short, .closeMid, .halfEvent:
            write(answer.half)
            finishBroken { self.closeWhenWritten() }
        case .resetMid:
            write(answer.half)
            context?.flush()
            // A moment later, so that the half has been read when the reset comes.
            phase = .cutting
            site.wheel.add(self, ticket: ticket, due: monotonicNanoseconds() &+ 5_000_000)
        case .stall:
            write(answer.half)
            phase = .silent
        case .drip:
            beginDrip(answer.bytes)
        case .extra:
            write(answer.bytes)
            write(answer.bytes)
            finish(.completed)
        default:
            write(exchange.request.isHead ? answer.head : answer.bytes)
            finish(.completed)
        }
    }

    // MARK: Bytes one by one

    private func beginDrip(_ bytes: ByteBuffer) {
        exchange?.rest = bytes
        phase = .dripping
        site.wheel.add(self, ticket: ticket, due: 0)
    }

    func drip(now: UInt64) -> UInt64? {
        if site.shared.conduct.isBlackHole { return now &+ Self.blackHolePause }
        guard let byte = exchange?.rest.readSlice(length: 1) else {
            finish(.completed)
            return nil
        }
        write(byte)
        return now
    }

    // MARK: Streams

    private func beginStream(now: UInt64) {
        guard let current = exchange else { return }
        let chunked = !current.request.isHTTP10
        let fault = current.behaviour.fault
        exchange?.began = now
        let head = site.answers.streamHead(chunked: chunked, closes: current.closes, trailers: fault == .trailers)
        var bytes = ByteBuffer(string: head)
        if fault == .drip {
            for number in 0..<min(current.behaviour.tokens, Self.burst) { writeEvent(number, into: &bytes) }
            bytes.writeString(
                site.answers.streamEnd(
                    current.request.endpoint, tokens: current.behaviour.tokens, chunked: chunked, fault: fault))
            return beginDrip(bytes)
        }
        phase = .streaming
        if let next = sendEvents(now: now, after: bytes) { site.wheel.add(self, ticket: ticket, due: next) }
    }

    private func writeEvent(_ number: Int, into buffer: inout ByteBuffer) {
        guard let exchange else { return }
        let template = exchange.request.endpoint == .chat ? site.answers.chatEvent : site.answers.completionEvent
        template.write(
            number: number, nanoseconds: monotonicNanoseconds(), chunked: !exchange.request.isHTTP10, into: &buffer)
    }

    /// Writes what is due in one piece. Returns when the next event is due; nil when none is, or when the client must
    /// read first.
    func sendEvents(now: UInt64, after head: ByteBuffer? = nil) -> UInt64? {
        guard let current = exchange else { return nil }
        if site.shared.conduct.isBlackHole { return now &+ Self.blackHolePause }
        let interval = UInt64(clamping: current.behaviour.interval.wholeNanoseconds)
        guard let context else { return generateForNobody(current, interval, now: now) }
        let cut = current.behaviour.fault.cutAfter
        if head == nil, let cut, current.sent >= cut {
            strike()
            return nil
        }
        let tokens = min(current.behaviour.tokens, cut ?? .max)
        var buffer = head ?? context.channel.allocator.buffer(capacity: site.answers.chatEvent.length)
        var sent = current.sent
        while sent < tokens, sent - current.sent < Self.burst, due(sent, current.began, interval) <= now {
            writeEvent(sent, into: &buffer)
            sent += 1
        }
        site.shared.counters.tokensSent.add(sent - current.sent, ordering: .relaxed)
        exchange?.sent = sent
        if sent == tokens, cut == nil {
            let end = site.answers.streamEnd(
                current.request.endpoint, tokens: tokens, chunked: !current.request.isHTTP10,
                fault: current.behaviour.fault)
            buffer.writeString(end)
            write(buffer)
            finish(.completed)
            return nil
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        guard context.channel.isWritable else {
            isParked = true
            return nil
        }
        return max(due(sent, current.began, interval), now)
    }

    /// The client has left, and nobody told the model.
    private func generateForNobody(_ current: Exchange, _ interval: UInt64, now: UInt64) -> UInt64? {
        var sent = current.sent
        while sent < current.behaviour.tokens, due(sent, current.began, interval) <= now { sent += 1 }
        site.shared.counters.tokensWasted.add(sent - current.sent, ordering: .relaxed)
        exchange?.sent = sent
        guard sent < current.behaviour.tokens else {
            finish(.cancelled)
            return nil
        }
        return due(sent, current.began, interval)
    }

    private func due(_ number: Int, _ began: UInt64, _ interval: UInt64) -> UInt64 {
        began &+ UInt64(clamping: number) &* interval
    }

    /// Enough was sent: the fault strikes.
    func strike() {
        guard let exchange else { return }
        let chunked = !exchange.request.isHTTP10
        switch exchange.behaviour.fault {
        case .resetMid:
            finishBroken { self.reset() }
        case .halfEvent:
            var event = ByteBuffer()
            writeEvent(exchange.sent, into: &event)
            write(event.getSlice(at: 0, length: event.readableBytes / 2) ?? event)
            finishBroken { self.closeWhenWritten() }
        case .errorEvent:
            write(ByteBuffer(string: site.answers.streamError(chunked: chunked)))
            finish(.failed)
        case .stall:
            phase = .silent
        default:
            finishBroken { self.closeWhenWritten() }
        }
    }
}
