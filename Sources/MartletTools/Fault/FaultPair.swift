import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#endif

/// One connection through a ``FaultProxy``: its two sockets and the two lines between them, on one event loop.
final class FaultPair {
    /// Writes of one turn of the event loop: one-byte slices of a large body must not keep it from everything else.
    private static let burst = 64
    /// After the last bytes before a reset: what the receiver has not read when a reset comes is lost to it.
    private static let restBeforeReset = TimeAmount.milliseconds(5)

    private let site: FaultSite
    private let client: FaultEnd
    private let target = FaultEnd()
    private var toTarget: FaultLine
    private var toClient: FaultLine
    private var timers: [ObjectIdentifier: (due: UInt64, task: Scheduled<Void>)] = [:]
    private var isCutting = false
    private var isOver = false

    init(_ client: FaultEnd, _ site: FaultSite, seed: UInt64) {
        self.client = client
        self.site = site
        toTarget = FaultLine(seed: seed)
        toClient = FaultLine(seed: seed &+ 1)
        client.pair = self
        target.pair = self
    }

    func connect(to address: SocketAddress, receiveBuffer: Int?) {
        let bound = NIOLoopBound(target, eventLoop: site.loop)
        var bootstrap = ClientBootstrap(group: site.loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
        }
        bootstrap.connect(to: address).assumeIsolated().whenComplete { result in
            switch result {
            // It may have been ended while it was connecting.
            case .success: if self.isOver { self.target.close(.reset) }
            // The client learns what it would have learned from the target: nobody is there.
            case .failure: self.end(.reset)
            }
        }
    }

    /// Faults have changed, or there may be something to do.
    func wake() {
        pump(client)
        pump(target)
    }

    // MARK: What the sockets say

    func arrived(_ bytes: ByteBuffer, from end: FaultEnd) {
        let now = monotonicNanoseconds()
        if end === client {
            toTarget.arrived(bytes, site.faults.toTarget, now: now)
        } else {
            toClient.arrived(bytes, site.faults.toClient, now: now)
        }
        pump(end)
    }

    func inputEnded(_ end: FaultEnd) {
        let now = monotonicNanoseconds()
        if end === client {
            toTarget.ended(site.faults.toTarget, now: now)
        } else {
            toClient.ended(site.faults.toClient, now: now)
        }
        pump(end)
    }

    /// The socket is gone: what it had sent still goes on to the other side, unless it was reset.
    func closed(_ end: FaultEnd, wasReset: Bool) {
        guard !isOver else { return }
        if wasReset, !site.faults.isHalfOpen { return self.end(.reset) }
        inputEnded(end)
    }

    // MARK: Sending on

    private func other(_ end: FaultEnd) -> FaultEnd { end === client ? target : client }

    /// Sends on what `source` has sent, as far as it is due, and reads more where there is room.
    func pump(_ source: FaultEnd) {
        let sink = other(source)
        guard !isOver, !isCutting, !site.faults.isHalfOpen, sink.isConnected else { return }
        var written = 0
        sending: while sink.isWritable {
            guard written < Self.burst else {
                site.loop.assumeIsolated().execute { self.pump(source) }
                return
            }
            switch next(source) {
            case .send(let bytes):
                site.count(bytes.readableBytes, toTarget: source === client)
                sink.send(bytes)
                written += 1
            case .wait(let due):
                arm(source, due)
                break sending
            case .idle:
                break sending
            case .finish:
                sink.endOutput()
                if client.outputIsEnded, target.outputIsEnded { end(.close) }
                return
            case .cut(let how):
                return cut(how, after: written)
            }
        }
        if wantsMore(source) { source.read() }
    }

    private func next(_ source: FaultEnd) -> FaultLine.Step {
        let now = monotonicNanoseconds()
        return source === client
            ? toTarget.next(site.faults.toTarget, now: now) : toClient.next(site.faults.toClient, now: now)
    }

    private func wantsMore(_ source: FaultEnd) -> Bool {
        source === client ? toTarget.wantsMore : toClient.wantsMore
    }

    private func arm(_ source: FaultEnd, _ due: UInt64) {
        let key = ObjectIdentifier(source)
        if let timer = timers[key] {
            guard timer.due != due else { return }
            timer.task.cancel()
        }
        let task = site.loop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(due)) {
            self.timers[key] = nil
            self.pump(source)
        }
        timers[key] = (due, task)
    }

    // MARK: Ends

    private func cut(_ how: Faults.End, after written: Int) {
        guard how == .reset, written > 0 else { return end(how) }
        isCutting = true
        site.loop.assumeIsolated().scheduleTask(in: Self.restBeforeReset) { self.end(how) }
    }

    func end(_ how: Faults.End) {
        guard !isOver else { return }
        isOver = true
        for timer in timers.values { timer.task.cancel() }
        timers = [:]
        client.close(how)
        target.close(how)
        site.ended(self)
    }
}

/// One of a pair's two sockets.
final class FaultEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    weak var pair: FaultPair?
    private var context: ChannelHandlerContext?
    private var wasReset = false
    private(set) var outputIsEnded = false
    /// Whether it ever was; bytes for one that is gone are dropped.
    private(set) var isConnected = false

    var isWritable: Bool { context?.channel.isWritable ?? true }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        isConnected = context.channel.isActive
    }

    func channelActive(context: ChannelHandlerContext) {
        isConnected = true
        pair?.wake()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        pair?.arrived(unwrapInboundIn(data), from: self)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pair?.wake()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { pair?.inputEnded(self) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError, error.errnoCode == ECONNRESET { wasReset = true }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        pair?.closed(self, wasReset: wasReset)
    }

    func read() {
        context?.read()
    }

    func send(_ bytes: ByteBuffer) {
        guard !outputIsEnded, let context else { return }
        context.channel.writeAndFlush(bytes, promise: nil)
    }

    func endOutput() {
        outputIsEnded = true
        context?.close(mode: .output, promise: nil)
    }

    func close(_ how: Faults.End) {
        switch how {
        case .close: context?.close(promise: nil)
        case .reset: context?.channel.closeWithReset()
        }
    }
}
