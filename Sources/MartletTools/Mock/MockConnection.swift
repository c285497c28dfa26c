import MartletBase
import NIOCore

/// One connection to the mock: takes requests one after the other and answers each as it asks to be answered.
///
/// This file reads, decides what kind of answer is due, and closes the books; `MockConnection+Answers` writes them.
final class MockConnection: ChannelInboundHandler, Ticking {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Between requests.
        case idle
        /// Every slot is taken.
        case inLine
        /// The answer's first byte is due later.
        case waiting
        case streaming
        /// The fault strikes next.
        case cutting
        /// Bytes are sent one by one.
        case dripping
        /// Nothing more is sent until the client leaves, or until the answer to `/wait` is known.
        case silent
        /// Our side is done; what still arrives is ignored.
        case closed
    }

    /// The request that is being answered.
    struct Exchange {
        let request: MockRequest
        let behaviour: MockBehaviour
        let id: String?
        let closes: Bool
        /// The slot, or the place in line for one; nil where none is needed.
        var place: MockSlots.Taken?
        var began: UInt64 = 0
        var sent = 0
        var rest = ByteBuffer()
    }

    let site: MockSite
    private(set) var context: ChannelHandlerContext?
    private var input = ByteBuffer()
    private var parser = MockRequestParser()
    private var isServing = false
    var phase = Phase.idle
    var exchange: Exchange?
    /// Whether a stream waits for the client to read.
    var isParked = false
    /// Tells the wheel's entries for earlier answers from the current one.
    private(set) var ticket: UInt32 = 0

    init(_ site: MockSite) {
        self.site = site
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        site.opened(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if phase == .closed { return }
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeBuffer(&bytes)
        }
        serve()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard isParked, context.channel.isWritable else { return }
        isParked = false
        site.wheel.add(self, ticket: ticket, due: 0)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        site.closed(self)
        if exchange?.behaviour.fault == .deaf {
            if isParked { site.wheel.add(self, ticket: ticket, due: 0) }
            isParked = false
        } else {
            phase = .closed
            close(.cancelled)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: Requests

    /// Answers what has been read, until a request needs more bytes or an answer needs more time.
    func serve() {
        guard !isServing else { return }
        isServing = true
        defer { isServing = false }
        while phase == .idle {
            switch parser.next(&input) {
            case .wait: return
            case .malformed:
                write(site.answers.status(400, retryAfter: nil, closes: true).bytes)
                return closeWhenWritten()
            case .head(let request): headArrived(request)
            case .request(let request): begin(request)
            }
        }
    }

    /// A head whose body has yet to come.
    private func headArrived(_ request: MockRequest) {
        if case .early = behaviour(for: request)?.0.fault, !request.endpoint.isOwn {
            write(site.answers.status(413, retryAfter: nil, closes: true).bytes)
            return closeOutputWhenWritten()
        }
        if request.scan.expectsContinue, !site.shared.conduct.isBlackHole {
            write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
        }
    }

    /// The server's behaviour with the request's own wishes, and the request's id; nil when a wish cannot be read.
    private func behaviour(for request: MockRequest) -> (MockBehaviour, String?)? {
        var behaviour = site.shared.conduct.current
        var id: String?
        for field in request.mockFields {
            if field.name == "id" { id = field.value }
            guard behaviour.set(field.name, field.value) else { return nil }
        }
        return (behaviour, id)
    }

    private func begin(_ request: MockRequest) {
        let closes = !request.keepsAlive
        guard !request.endpoint.isOwn else { return steer(request, closes: closes) }
        guard let (behaviour, id) = behaviour(for: request) else {
            write(site.answers.status(400, retryAfter: nil, closes: closes).bytes)
            if closes { closeWhenWritten() }
            return
        }
        let now = monotonicNanoseconds()
        site.shared.counters.received(request.endpoint)
        site.shared.keep(request)
        if let id { site.shared.records.received(id, microseconds: now / 1000) }
        exchange = Exchange(request: request, behaviour: behaviour, id: id, closes: closes)
        ticket &+= 1
        if request.endpoint.isGenerated, site.shared.slots.limit != nil { takeSlot(now: now) } else { work(now: now) }
    }

    private func takeSlot(now: UInt64) {
        let loop = site.loop
        let (bound, ticket) = (NIOLoopBound(self, eventLoop: loop), ticket)
        let place = site.shared.slots.take { loop.execute { bound.value.slotGranted(ticket) } }
        exchange?.place = place
        if place == .slot { work(now: now) } else { phase = .inLine }
    }

    private func slotGranted(_ ticket: UInt32) {
        guard ticket == self.ticket, exchange != nil, !site.shared.stopped else { return site.shared.slots.giveBack() }
        exchange?.place = .slot
        work(now: monotonicNanoseconds())
        context?.flush()
    }

    /// The first byte is due after the latency asked for.
    private func work(now: UInt64) {
        guard let exchange else { return }
        if let id = exchange.id { site.shared.records.executed(id) }
        if exchange.behaviour.latency > .zero, exchange.request.endpoint != .health {
            phase = .waiting
            let latency = UInt64(clamping: exchange.behaviour.latency.wholeNanoseconds)
            site.wheel.add(self, ticket: ticket, due: now &+ latency)
        } else {
            answer(now: now)
        }
    }

    func tick(ticket: UInt32, now: UInt64) -> UInt64? {
        guard ticket == self.ticket, exchange != nil, !site.shared.stopped else { return nil }
        var next: UInt64?
        switch phase {
        case .waiting: answer(now: now)
        case .streaming: next = sendEvents(now: now)
        case .cutting: strike()
        case .dripping: next = drip(now: now)
        case .idle, .inLine, .silent, .closed: break
        }
        context?.flush()
        return next
    }

    // MARK: Ends

    /// The answer is over: counts it and goes on with the next request.
    func finish(_ state: MockRequestState) {
        let closes = exchange?.closes ?? false
        close(context == nil ? .cancelled : state)
        if context == nil { phase = .closed }
        guard phase != .closed else { return }
        phase = .idle
        if closes { closeWhenWritten() } else { serve() }
    }

    /// Closes the books on the current request, once.
    private func close(_ state: MockRequestState) {
        guard let ended = exchange else { return }
        exchange = nil
        ticket &+= 1
        isParked = false
        let now = monotonicNanoseconds()
        site.shared.counters.ended(state, now: now)
        if let id = ended.id { site.shared.records.ended(id, state, tokens: ended.sent, microseconds: now / 1000) }
        // Last: who gets the slot may be done before this is.
        switch ended.place {
        case .slot: site.shared.slots.giveBack()
        case .place(let place): site.shared.slots.leave(place)
        case nil: break
        }
    }

    func write(_ buffer: ByteBuffer) {
        context?.write(wrapOutboundOut(buffer), promise: nil)
    }

    /// Closes in good order once all that was written has left.
    func closeWhenWritten() {
        afterWriting { $0.close(promise: nil) }
    }

    /// Ends our side and lets the client finish sending: a full close would answer its bytes with a reset, which
    /// destroys an answer it has not read yet.
    private func closeOutputWhenWritten() {
        afterWriting { context in
            context.close(mode: .output, promise: nil)
            context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { context.close(promise: nil) }
        }
    }

    private func afterWriting(_ end: @escaping (ChannelHandlerContext) -> Void) {
        phase = .closed
        guard let context else { return }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in end(context) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: promise)
    }

    /// Ends the connection with RST.
    func reset() {
        phase = .closed
        context?.channel.closeWithReset()
    }
}
