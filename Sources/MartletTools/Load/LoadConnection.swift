import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#endif

/// One client: sends a request, reads its answer, tells the loop how it went, and is given the next.
final class LoadConnection: ChannelInboundHandler, Ticking {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let load: LoadLoop
    private var context: ChannelHandlerContext?
    private var input = ByteBuffer()
    private var reader: ResponseReader
    private var check = StreamCheck()
    private var ticket: UInt32 = 0
    /// Whether a request is under way.
    private(set) var isBusy = false
    private(set) var lastProgress: UInt64 = 0
    /// When it began to connect.
    let openedAt: UInt64
    private var id: String?
    private var began: UInt64 = 0
    /// The first byte, of a stream the first event.
    private var firstAt: UInt64?
    private var hasFirstByte = false
    private var wasReset = false
    /// After how long it leaves, where it is to leave.
    private var leaveTime: UInt64?
    private var eventsSeen = 0
    private var lastEvent: UInt64 = 0
    private var isReading = false

    init(_ load: LoadLoop, openedAt: UInt64) {
        self.load = load
        self.openedAt = openedAt
        reader = ResponseReader(isHead: load.options.method == "HEAD")
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        load.opened(self)
    }

    // MARK: Requests

    /// Sends the request. `began` is the time its latency counts from.
    func send(began: UInt64, now: UInt64) {
        isBusy = true
        self.began = began
        lastProgress = now
        hasFirstByte = false
        firstAt = nil
        eventsSeen = 0
        reader.next()
        if load.options.stream { check = StreamCheck() }
        ticket &+= 1
        id = load.nextID()
        leaveTime = load.timeToLeave()
        if load.options.leavePhase != .streaming { leaveLater(now: now) }
        context?.write(wrapOutboundOut(load.request(id: id)), promise: nil)
        if !isReading { context?.flush() }
    }

    private func leaveLater(now: UInt64) {
        if let leaveTime { load.wheel.add(self, ticket: ticket, due: now &+ leaveTime) }
    }

    /// The moment to leave has come.
    func tick(ticket: UInt32, now: UInt64) -> UInt64? {
        guard ticket == self.ticket, isBusy else { return nil }
        if hasFirstByte, load.options.leavePhase == .beforeFirstByte { return nil }
        end(.left, now: now)
        return nil
    }

    /// The first byte of an answer, or the first event of a stream.
    private func firstCame(now: UInt64) {
        firstAt = now
        load.report.first.add(now &- min(began, now))
        load.report.series.first(now &- min(began, now), at: load.age(now))
        if load.options.leavePhase == .streaming { leaveLater(now: now) }
    }

    // MARK: Answers

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        let now = monotonicNanoseconds()
        load.report.bytesReceived += bytes.readableBytes
        guard isBusy else {
            // Nobody asked for it.
            return load.unasked(self)
        }
        if !hasFirstByte {
            hasFirstByte = true
            if !load.options.stream { firstCame(now: now) }
        }
        lastProgress = now
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        isReading = true
        defer { isReading = false }
        take(now: now)
    }

    private func take(now: UInt64) {
        let progress = reader.read(&input)
        if load.options.stream, reader.hasHead { takeEvents(now: now) }
        switch progress {
        case .incomplete: break
        case .malformed: end(.failed(.malformed), now: now)
        case .complete: completed(now: now)
        }
    }

    private func takeEvents(now: UInt64) {
        while let event = check.nextEvent(in: &reader.body) {
            if eventsSeen == 0 {
                firstCame(now: now)
            } else {
                load.report.gap.add(now &- min(lastEvent, now))
            }
            eventsSeen += 1
            lastEvent = now
            load.report.events += 1
            if let sent = event.sentNanoseconds, sent <= now { load.report.transit.add(now - sent) }
        }
    }

    private func completed(now: UInt64) {
        load.report.statuses[reader.status, default: 0] += 1
        if reader.hasRetryAfter { load.report.retryAfter[reader.status, default: 0] += 1 }
        guard (200...299).contains(reader.status) else { return end(.failed(.status), now: now) }
        guard load.options.stream else {
            return end(load.accepts(reader.body) ? .completed : .failed(.mismatch), now: now)
        }
        if !reader.isEventStream {
            end(.failed(.mismatch), now: now)
        } else if check.hasError {
            end(.failed(.errorEvent), now: now)
        } else {
            end(check.isDone ? .completed : .failed(.silent), now: now)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }

    // MARK: Ends

    enum End {
        case completed, left, unfinished
        case failed(LoadFailure)
    }

    /// Closes the books on the request, once, and asks what comes next.
    func end(_ end: End, now: UInt64) {
        guard isBusy else { return }
        isBusy = false
        ticket &+= 1
        // Events that were lost on the way are a failure whatever came of the rest.
        let end = check.hasGap ? .failed(.gap) : end
        load.count(
            end,
            LedgerEntry(
                id: id, status: reader.status, events: eventsSeen, began: began, first: firstAt, ended: now))
        if case .left = end, load.options.leavesWithReset {
            context?.channel.closeWithReset()
            return
        }
        var reusable = false
        if case .completed = end { reusable = true }
        if case .failed(.status) = end { reusable = true }
        if reusable, reader.keepsAlive, load.options.keepAlive, !load.options.isOnce, context != nil {
            load.free(self, now: now)
        } else {
            close()
        }
    }

    func close() {
        context?.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError, error.errnoCode == ECONNRESET { wasReset = true }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let now = monotonicNanoseconds()
        self.context = nil
        // Where the connection's end is the answer's, a reset is not that end.
        if isBusy, reader.endsWithConnection, !wasReset {
            completed(now: now)
        } else if isBusy, check.hasError {
            end(.failed(.errorEvent), now: now)
        } else if isBusy {
            load.report.brokenBy[wasReset ? .reset : .closed, default: 0] += 1
            end(.failed(reader.hasHead ? .truncated : .reset), now: now)
        }
        load.closed(self, now: now)
    }
}
