import MartletBase
import MartletExchange
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWire
import NIOCore

/// A client's HTTP/1 connection: requests come in, one after the other, answers go out.
///
/// The only handler of its channel (TLS aside). It reads a head, finds the route and makes the `Exchange`; from then on
/// it moves bytes. What it writes is gathered and goes out in one flush for each turn of the event loop.
final class HTTP1Front: ChannelInboundHandler, OpenConnection {
    typealias InboundIn = ByteBuffer

    enum State {
        /// Nothing of the next request came yet.
        case idle
        /// A part of a head came.
        case inHead
        /// A request is with the exchange, or its answer is.
        case busy
        /// The answer was sent early; the rest of the request is read and dropped, so that the answer is not lost to a
        /// reset.
        case lingering
        case closed
    }

    let number: UInt64
    let loop: LoopContext
    let settings: FrontSettings
    let router: () -> Router
    private let keepAlive: Interval
    var channel: ChannelHandlerContext?
    var state = State.idle
    var peer: ForwardedFor
    private var place = Governor.Place.dropped
    /// Since when nothing was asked.
    private(set) var idleSince = Instant.never

    // The request being read.
    var parser: RequestParser
    var input: ByteBuffer?
    private var isParsing = false
    var exchange: Exchange?
    var isRequestRead = true
    var hasBody = false
    /// A body follows that nobody asked for.
    var dropsBody = false
    private(set) var requests = 0
    var isReadingOff = false
    var bodyStarted = Instant.never
    var bodyBytes = 0

    // The answer being written.
    var writer = ResponseWriter()
    var requestID = ""
    let out: Outbox
    var isAnswered = true
    var isKeepAlive = true
    var isPeerWritable = true

    // One entry of the wheel for the whole connection.
    var timer = LazyTimer()
    var isOpened = false
    var deadline = Instant.never
    /// Of the bytes written, those that the client had taken at the last look, and when it took the last.
    var takenBytes = 0
    var takenAt = Instant.never
    /// What the process-wide bound was told that waits here for the client.
    var heldBytes = 0

    init(loop: LoopContext, settings: FrontSettings, router: @escaping () -> Router) {
        number = loop.nextRequestNumber()
        self.loop = loop
        self.settings = settings
        self.router = router
        keepAlive = Interval(settings.keepAlive)
        peer = ForwardedFor(nil, settings: settings)
        parser = RequestParser(limits: settings.http)
        out = Outbox(loop: loop)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        channel = context
        if context.channel.isActive { opened(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        opened(context)
        context.fireChannelActive()
    }

    private func opened(_ context: ChannelHandlerContext) {
        guard !isOpened else { return }
        isOpened = true
        loop.readClock()
        loop.meter.connections(.client, changedBy: 1)
        if !settings.outlivesDrain { loop.clients.opened(self) }
        out.opened(context.channel, isTLS: settings.isTLS)
        peer = ForwardedFor(context.remoteAddress, settings: settings)
        idleSince = loop.now
        setDeadline(loop.now + settings.headerTimeout)
        if !settings.outlivesDrain { takePlace(context.remoteAddress) }
    }

    private func takePlace(_ address: SocketAddress?) {
        place = settings.governor.admit(address, now: loop.now)
        switch place {
        case .served: break
        // It keeps a descriptor from others: it has less time to say what it wants.
        case .refused: setDeadline(loop.now + min(settings.headerTimeout, Self.refusedPatience))
        case .dropped: close(reset: true)
        }
    }

    /// Why the connection is not served.
    var refusal: ErrorCode? {
        if case .refused(let code) = place { code } else { nil }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state != .lingering, state != .closed else { return }
        loop.readClock()
        var bytes = unwrapInboundIn(data)
        if input == nil { input = bytes } else { input?.writeBuffer(&bytes) }
        parse()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.requestReadComplete()
        flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        loop.readClock()
        isPeerWritable = context.channel.isWritable
        settleHeld()
        if isPeerWritable {
            exchange?.frontWritable()
        } else {
            watchSlowReader()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        loop.readClock()
        ended(.clientGone)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// The connection is over, whatever ended it.
    func ended(_ reason: CancelReason) {
        guard state != .closed else { return }
        state = .closed
        settleHeld()
        timer.disarm(on: loop.wheel)
        loop.meter.connections(.client, changedBy: -1)
        loop.clients.closed(self)
        settings.governor.left(place, now: loop.now)
        input = nil
        out.clear()
        let exchange = self.exchange
        self.exchange = nil
        exchange?.gone(reason)
        channel = nil
    }

    func close(reset: Bool = false, reason: CancelReason = .clientGone) {
        guard let channel else { return }
        ended(reason)
        if reset { channel.channel.reset() } else { channel.close(promise: nil) }
    }

    // MARK: The end of the process

    func drain() {
        switch state {
        // What the client did not take yet of its last answer goes out first. A connection that has had no request is
        // new: its first one is on its way.
        case .idle: if requests > 0, !hasUnreadRequest { linger() }
        // The answer says that the connection closes behind it.
        case .inHead, .busy: isKeepAlive = false
        case .lingering, .closed: break
        }
    }

    func cut(_ error: MartletError) {
        loop.readClock()
        if exchange != nil {
            refuse(error)
        } else if state != .lingering {
            close()
        }
    }

    // MARK: Reading requests

    /// Reads what can be read of `input`. Not re-entered: an answer that ends inside it lets the loop go on.
    func parse() {
        guard !isParsing else { return }
        isParsing = true
        defer { isParsing = false }
        while state != .closed, state != .lingering, let part = nextPart() {
            switch part {
            case .head(let head, let framing): begin(head, framing)
            case .body(let slice):
                bodyBytes += slice.readableBytes
                exchange?.requestBody(slice)
            case .end:
                isRequestRead = true
                bodyStarted = .never
                exchange?.requestEnd()
                if isAnswered { nextRequest() }
            }
        }
        boundInput()
        if state == .busy, !isRequestRead, bodyStarted == .never { watchBody() }
    }

    private func nextPart() -> RequestPart? {
        // A pipelined request waits until the one before it is answered.
        if isRequestRead, !isAnswered { return nil }
        var bytes = input ?? ByteBuffer()
        input = nil
        defer { if state != .closed, bytes.readableBytes > 0 { input = bytes } }
        do {
            let part = try parser.next(&bytes)
            if part == nil, state == .idle, bytes.readableBytes > 0 {
                state = .inHead
                setDeadline(loop.now + settings.headerTimeout)
            }
            return part
        } catch {
            bytes.clear()
            refuse(MartletError(error))
            return nil
        }
    }

    private func boundInput() {
        guard let held = input?.readableBytes, state == .busy, isRequestRead else { return }
        settleHeld()
        if held > settings.pipelinedBytes || loop.budget.isExhausted { setReading(false) }
    }

    private func begin(_ head: RequestHead, _ framing: RequestFraming) {
        state = .busy
        requests += 1
        isRequestRead = false
        isAnswered = false
        bodyStarted = .never
        bodyBytes = 0
        hasBody = framing.body != .none
        dropsBody = framing.dropsBody
        isKeepAlive = framing.isKeepAlive && requests < settings.requestsPerConnection && refusal == nil
        if loop.clients.isDraining, !settings.outlivesDrain { isKeepAlive = false }
        writer.begin(method: head.method, isHTTP10: framing.isHTTP10)
        requestID = ""
        guard let route = router().match(head) else {
            return refuse(MartletError(.notFound), head: head)
        }
        if let refusal, !route.isHealth { return refuse(MartletError(refusal), head: head, route: route) }
        if case .length(let length) = framing.body, length > route.bodyLimit {
            return refuse(MartletError(.bodyTooLarge), head: head, route: route)
        }
        parser.setBodyLimit(route.bodyLimit)
        let now = loop.now
        if framing.expectsContinue { out.write("HTTP/1.1 100 Continue\r\n\r\n") }
        let (request, caller) = peer.accept(head, framing: framing, route: route, loop: loop, now: now)
        requestID = caller.requestID
        let pressure = self.pressure
        if pressure >= .closing {
            isKeepAlive = false
            if pressure >= .shedding, caller.priority > .interactive {
                return refuse(MartletError(.overloaded), head: head, route: route)
            }
        }
        let exchange = Exchange(
            context: loop, route: route, front: self, request: request, caller: caller, now: now)
        self.exchange = exchange
        exchange.start()
    }

    /// Answers a request that never became one, or whose body broke off.
    func refuse(_ error: MartletError, head: RequestHead? = nil, route: Route? = nil) {
        if let exchange {
            isKeepAlive = false
            return exchange.requestFailed(error)
        }
        // What follows a bad head was never a request: it is read away, so that closing does not destroy the answer.
        if isAnswered {
            writer.begin(method: .get, isHTTP10: false)
            isRequestRead = false
        }
        isAnswered = false
        isKeepAlive = false
        state = .busy
        requestID = head.flatMap { peer.requestID($0.headers) } ?? loop.nextRequestID()
        let bytes = answer(
            error, shape: route?.shape ?? .openAI, lines: advice(for: error), date: loop.date())
        record(error, head: head, route: route, bytesOut: bytes)
    }

    private func record(_ error: MartletError, head: RequestHead?, route: Route?, bytesOut: Int) {
        var record = RequestRecord()
        if let route {
            record.route = route.index
            record.isHealth = !route.isLogged
        }
        record.bytesOut = UInt64(bytesOut)
        record.status = UInt16(clamping: error.code.status)
        record.outcome = .refused
        record.errorCode = error.code
        let client = head.map { peer.client($0.headers) } ?? peer.address
        loop.refused(record, head: head, client: client, id: requestID)
    }

    func nextRequest() {
        guard state == .busy else { return }
        state = .idle
        if heldBytes > 0 { settleHeld() }
        if isReadingOff { setReading(true) }
        idleSince = loop.now
        setDeadline(idleSince + (pressure == .none ? keepAlive : min(keepAlive, Self.shortenedKeepAlive)))
    }

    func setReading(_ isOn: Bool) {
        guard isReadingOff == isOn else { return }
        isReadingOff = !isOn
        // The time in which we did not read does not count against the client.
        if isOn, bodyStarted != .never {
            bodyBytes = 0
            watchBody()
        }
        channel?.setReading(isOn)
    }
}
