import MartletBase
import MartletExchange
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import NIOSSL
import NIOTLS

/// One HTTP/1 connection to a target, and the leg of the request it carries at present.
///
/// Between two requests it is idle and watched: the end of the connection takes it out of the pool at once.
final class HTTP1Leg: ChannelInboundHandler, Leg, Timed {
    typealias InboundIn = ByteBuffer

    private enum State {
        /// There is no descriptor for the connection yet; what is to be sent gathers in `out`.
        case awaitingPlace
        /// The connection is being made; what is to be sent gathers in `out`.
        case connecting
        case idle
        case busy
        case closed
    }

    /// How long an idle connection elsewhere may take to make room for this one.
    private static let patience: Duration = .milliseconds(250)

    /// What the exchange takes of an answer before it says how much more it wants.
    private static let window = 64 << 10

    private(set) var target: Target
    let address: SocketAddress
    /// Names it where it waits for a descriptor.
    let waiter: WaiterID
    /// The dial came as far as a socket.
    var hasSocket = false
    private unowned let legs: HTTP1Legs
    private var state = State.connecting
    private(set) var exchange: Exchange?
    private var channel: ChannelHandlerContext?

    // The request.
    private let out: Outbox
    private var isWritable = true
    private var isChunked = false
    private var isSent = false
    private var isReused = false

    // The answer.
    private var parser: ResponseParser
    private var input: ByteBuffer?
    private var hasHeard = false
    private var hasHead = false
    private var isKeepAlive = false
    private var isRetired = false
    private var credit = HTTP1Leg.window
    private var isReadingOff = false
    private var trouble: FailureClass?
    /// The connection ended by an error, not by its end: where the end is the framing, the answer is not whole.
    private var isBroken = false

    // While idle.
    private var timer = LazyTimer()
    private var idleFor = Interval(.zero)
    private var idleUntil = Instant.never

    init(target: Target, at address: SocketAddress, legs: HTTP1Legs) {
        self.target = target
        self.address = address
        self.legs = legs
        waiter = WaiterID(legs.loop.nextRequestNumber())
        parser = ResponseParser(limits: legs.limits)
        out = Outbox(loop: legs.loop)
    }

    // MARK: Leg

    func attach(_ exchange: Exchange) {
        self.exchange = exchange
        isReused = state == .idle
        if state == .idle { state = .busy }
        isSent = false
        hasHeard = false
        hasHead = false
        // While the process is at its bound, less is taken ahead of slow clients.
        credit = legs.loop.budget.isExhausted ? Self.window / 8 : Self.window
    }

    func start(_ request: OutgoingRequest, size: BodySize) -> Bool {
        guard state != .closed else { return false }
        parser.expect(method: request.head.method)
        isChunked = size == .unknown
        var bytes = out.take()
        HTTP1Writer.requestLine(request.head, into: &bytes)
        HTTP1Writer.field(.host, request.authority(for: target), into: &bytes)
        let edits = target.edits
        let dropped = edits.isEmpty ? request.exceptNamed : request.exceptNamed + edits.dropped
        request.head.headers.write(into: &bytes, except: request.except, exceptNamed: dropped)
        request.lines.write(into: &bytes, exceptNamed: edits.dropped)
        if !edits.isEmpty { bytes.writeImmutableBuffer(edits.lines.bytes) }
        switch size {
        case .none:
            // Servers ask for a length where a body could be.
            if request.head.method.mayHaveBody { HTTP1Writer.contentLength(0, into: &bytes) }
        case .exactly(let length): HTTP1Writer.contentLength(length, into: &bytes)
        case .unknown: bytes.writeStaticString("Transfer-Encoding: chunked\r\n")
        }
        bytes.writeStaticString("\r\n")
        out.put(bytes)
        return state == .busy
    }

    func body(_ slice: ByteBuffer) {
        guard state != .closed, state != .idle, slice.readableBytes > 0 else { return }
        if isChunked { out.writeChunkHeader(slice.readableBytes) }
        out.append(slice, to: channel)
        if isChunked { out.write("\r\n") }
    }

    func bodyEnd() {
        guard state != .closed, state != .idle else { return }
        if isChunked { out.write("0\r\n\r\n") }
        isSent = true
        flush()
    }

    func flush() {
        if state == .busy, let channel { out.flush(to: channel) }
    }

    func demand(_ bytes: Int) {
        credit += bytes
        if credit > 0 { setReading(true) }
    }

    func cancel(_ reason: CancelReason) {
        guard state != .closed else { return }
        exchange = nil
        close(reset: true)
    }

    var isUploadWritable: Bool {
        state == .busy && isWritable
    }

    // MARK: A descriptor for it

    var socket: (any Channel)? { channel?.channel }

    /// Every place is taken: `placeGranted` or `noPlace` follows.
    func awaitPlace() {
        state = .awaitingPlace
        timer.wake(self, by: legs.loop.now + Self.patience, on: legs.loop.wheel)
    }

    func placeGranted() {
        guard state == .awaitingPlace else { return legs.governor.upstreamClosed(now: .current) }
        state = .connecting
        legs.dial(self)
    }

    func noPlace() {
        guard state == .awaitingPlace else { return }
        state = .connecting
        connectFailed(.noDescriptor)
    }

    // MARK: Connection

    func handlerAdded(context: ChannelHandlerContext) {
        channel = context
        if state == .closed { context.channel.close(promise: nil) }
    }

    func channelActive(context: ChannelHandlerContext) {
        if target.tls == nil { connected() }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { connected() }
        context.fireUserInboundEventTriggered(event)
    }

    private func connected() {
        legs.loop.readClock()
        guard state == .connecting, let exchange else { return close(reset: false) }
        state = .busy
        if let channel { out.opened(channel.channel, isTLS: target.tls != nil) }
        exchange.legAccepted(isNew: true)
        exchange.legUploadWritable()
        flush()
    }

    /// The dial failed before there was a channel that could say so.
    func connectFailed(_ failure: FailureClass) {
        guard state == .connecting else { return }
        legs.loop.readClock()
        let failed = detach()
        close(reset: false)
        failed?.legFailed(failure, wasSent: false)
    }

    /// Reading waits while the exchange wants nothing; an idle connection is always read, to see its end.
    private func setReading(_ isOn: Bool) {
        guard isReadingOff == isOn else { return }
        isReadingOff = !isOn
        channel?.setReading(isOn)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable, state == .busy {
            legs.loop.readClock()
            exchange?.legUploadWritable()
            flush()
        }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard state == .busy else {
            // Nobody asked: whatever this is, it must not become the answer to the next request.
            return close(reset: true)
        }
        legs.loop.readClock()
        hasHeard = true
        if input == nil { input = bytes } else { input?.writeBuffer(&bytes) }
        parse()
        if state == .busy, credit <= 0 || exchange?.waitsForClient() == true { setReading(false) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.legReadComplete()
    }

    private func parse() {
        while state == .busy, exchange != nil, let part = nextPart() {
            switch part {
            // The client that waits for `100 Continue` got ours.
            case .informational(let head): if head.status != 100 { exchange?.legInformational(head) }
            case .head(let head, let framing):
                hasHead = true
                isKeepAlive = framing.isKeepAlive
                setIdleTime(framing.keepAliveTimeout)
                exchange?.legHead(head, size: framing.bodySize)
            case .body(let slice):
                credit -= slice.readableBytes
                exchange?.legBody(slice)
            case .end: return ended()
            }
        }
    }

    private func nextPart() -> ResponsePart? {
        var bytes = input ?? ByteBuffer()
        input = nil
        defer { if bytes.readableBytes > 0 { input = bytes } }
        do {
            return try parser.next(&bytes)
        } catch {
            bytes.clear()
            fail(.malformed)
            return nil
        }
    }

    /// The answer is complete. The connection is free before the exchange hears of it, so that the client's next
    /// request can have it.
    private func ended() {
        let served = detach()
        if isKeepAlive, !isRetired, isSent, input == nil, channel != nil {
            rest()
        } else {
            close(reset: !isSent)
        }
        served?.legEnd()
    }

    private func fail(_ failure: FailureClass) {
        let failed = detach()
        let wasStale = isReused && !hasHeard && failure == .reset
        close(reset: true)
        failed?.legFailed(failure, wasSent: true, wasStale: wasStale)
    }

    private func detach() -> Exchange? {
        defer { exchange = nil }
        return exchange
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The last one says that the certificate is for another name.
        let isTLS = error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError
        if isTLS, state == .connecting { trouble = .tls }
        isBroken = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        legs.loop.readClock()
        context.fireChannelInactive()
        switch state {
        case .closed, .awaitingPlace: break
        case .idle: close(reset: false)
        case .connecting: connectFailed(trouble ?? .connect)
        case .busy: endOfInput()
        }
    }

    private func endOfInput() {
        guard hasHead else { return fail(.reset) }
        guard !isBroken, !out.isBroken, let last = try? parser.endOfInput(), case .end = last else {
            return fail(.truncated)
        }
        isKeepAlive = false
        ended()
    }

    private func close(reset: Bool) {
        guard state != .closed else { return }
        if state == .idle { legs.forget(self) }
        if state == .awaitingPlace { _ = legs.governor.withdraw(waiter) }
        state = .closed
        legs.closed(self)
        timer.disarm(on: legs.loop.wheel)
        input = nil
        out.clear()
        if let channel {
            if reset { channel.channel.reset() } else { channel.channel.close(promise: nil) }
        }
        channel = nil
    }

    // MARK: Idle

    /// Kept shorter than the target says it keeps its side, so that a request never meets a closing connection.
    private func setIdleTime(_ stated: Int?) {
        let own = target.keepAlive.idle
        idleFor = stated.map { min(own, Interval(.seconds(max(0, $0 - 1)))) } ?? own
    }

    private func rest() {
        guard idleFor.nanoseconds > 0, legs.keep(self) else { return close(reset: false) }
        state = .idle
        setReading(true)
        idleUntil = legs.loop.now + idleFor
        // While requests come and go the entry puts itself off; it moves only when the target states a shorter time.
        timer.wake(self, by: idleUntil, on: legs.loop.wheel)
    }

    func deadlineReached(now: Instant) -> Instant {
        legs.loop.readClock()
        timer.fired()
        if state == .awaitingPlace {
            guard legs.governor.withdraw(waiter) else { return timer.again(at: now + Self.patience) }
            noPlace()
            return .never
        }
        guard state == .idle else { return timer.again(at: now + max(target.keepAlive.idle, Interval(.seconds(1)))) }
        guard now >= idleUntil else { return timer.again(at: idleUntil) }
        close(reset: false)
        return .never
    }

    /// A reload may have put `other` in the place of its target, with rules of its own for requests. False: a
    /// connection would be made in another way.
    func serve(_ other: Target) -> Bool {
        if other === target { return true }
        guard target.isReachedLike(other) else { return false }
        target = other
        return true
    }

    /// Idle, and a reload put `other` in the place of its target.
    func rest(under other: Target) {
        guard serve(other) else { return close(reset: false) }
        let latest = legs.loop.now + other.keepAlive.idle
        guard latest < idleUntil else { return }
        idleUntil = latest
        timer.wake(self, by: latest, on: legs.loop.wheel)
    }

    /// Taken out of the idle ones, and not wanted after all.
    func discard() {
        state = .busy
        close(reset: false)
    }

    /// The target is gone for good: an idle connection to it is of no use.
    func retire() {
        isRetired = true
        if state == .idle { close(reset: false) }
    }
}

extension ResponseFraming {
    var bodySize: BodySize {
        switch body {
        // Answers to HEAD and 304 say how long the body would have been.
        case .none: contentLength.map { .exactly($0) } ?? .none
        case .length(let length): .exactly(length)
        case .chunked, .untilClose: .unknown
        }
    }
}

extension MartletWire.Method {
    fileprivate var mayHaveBody: Bool { self == .post || self == .put || self == .patch }
}
