import MartletLogic
import MartletNet
import MartletWire
import NIOCore

/// One client: reads its commands, writes what it is told. The driver decides when.
final class BrokerConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let id: ClientID
    private let driver: BrokerDriver
    private var context: ChannelHandlerContext?
    private var parser: RESPCommandParser
    /// What came and is no command yet.
    private var input = ByteBuffer()
    private var replies = WaitingReplies()
    /// Closes when all is told.
    private var isClosing = false
    /// Commands are being taken: what would begin it again waits for its end.
    private var isTaking = false
    private var isReading = true
    private var isOpen = false
    private var hasEnded = false
    /// Ends who does not say the password.
    private var patience: Scheduled<Void>?

    init(_ id: ClientID, driver: BrokerDriver, limits: RESPLimits) {
        self.id = id
        self.driver = driver
        parser = RESPCommandParser(limits: limits, isAuthenticated: false)
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // Behind TLS a channel may be active already.
        if context.channel.isActive { open(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        open(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard !isClosing else { return }
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        takeCommands()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        driver.endOfTurn()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        takeCommands()
        driver.endOfTurn()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Half a connection is none: who does not read cannot be told that a message is its own.
        if let event = event as? ChannelEvent, event == .inputClosed { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    private func open(_ context: ChannelHandlerContext) {
        guard !isOpen else { return }
        isOpen = true
        driver.opened(
            self, address: context.remoteAddress.map(Self.text) ?? "", local: context.localAddress.map(Self.text) ?? "")
        guard !driver.isAuthenticated(id) else { return }
        patience = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(driver.limits.passwordSeconds)) {
            self.patience = nil
            if !self.driver.isAuthenticated(self.id) { self.cutOff() }
        }
    }

    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        isClosing = true
        patience?.cancel()
        patience = nil
        driver.closed(self)
    }

    private static func text(_ address: SocketAddress) -> String {
        guard let host = address.ipAddress, let port = address.port else { return address.pathname ?? "" }
        return "\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    // MARK: The driver

    /// Hands on commands, as far as they may be taken now.
    func takeCommands() {
        guard !isTaking, isOpen else { return }
        isTaking = true
        defer {
            isTaking = false
            // The channel reads into the same memory again once nobody has it.
            if input.readableBytes == 0 { input = ByteBuffer() }
            setReading()
        }
        while !isClosing, mayTake {
            parser.isAuthenticated = driver.isAuthenticated(id)
            do throws(RESPProtocolError) {
                guard let words = try parser.next(&input) else { return }
                driver.command(self, words.map { Bytes(Array(buffer: $0)) })
            } catch {
                return driver.refuse(self, error.message)
            }
        }
    }

    /// Writes an answer, to be told when `sequence` is durable.
    func tell(_ sequence: UInt64, _ write: (inout ByteBuffer) -> Void) {
        guard !hasEnded else { return }
        guard unreadBytes <= driver.limits.unreadBytes else {
            // It will not be missed: nothing that it was told is read.
            isClosing = true
            context?.channel.reset()
            return
        }
        replies.append(sequence, write)
    }

    /// Sends what may be told. Whether there is more.
    func flush(durable: UInt64) -> Bool {
        guard let context, !hasEnded else { return false }
        if let bytes = replies.take(durable: durable) {
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        }
        if replies.isEmpty, isClosing { context.close(promise: nil) }
        if input.readableBytes > 0 || !isReading { takeCommands() }
        return !replies.isEmpty
    }

    /// Takes no more commands and closes when all is told.
    func close() {
        isClosing = true
        setReading()
    }

    /// Closes at once.
    func cutOff() {
        isClosing = true
        context?.close(promise: nil)
    }

    // MARK: Inside

    private var unreadBytes: Int {
        let buffered = try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)
        return replies.byteCount + (buffered ?? 0)
    }

    private var mayTake: Bool {
        !driver.isBlocked(id) && !driver.isBehind && replies.byteCount < driver.limits.repliesBytes
            && context?.channel.isWritable == true
    }

    /// Reads on while it waits in a pop, so that its end is noticed.
    private func setReading() {
        let wanted =
            isClosing ? false
            : driver.isBlocked(id) ? input.readableBytes < driver.limits.waitingCommandBytes
            : mayTake
        guard wanted != isReading, let context else { return }
        isReading = wanted
        context.setReading(wanted)
        if !wanted { driver.isHeldUp(self) }
    }
}
