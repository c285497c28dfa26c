import MartletBase
import NIOCore
import NIOPosix

/// One event loop's share of the load: opens its connections, hands each its next request, and keeps the books.
///
/// Closed loop: every connection sends its next request when its answer is complete. Open loop: requests become due at
/// fixed times and take a connection that is free; when none is, they wait, and the waiting counts.
final class LoadLoop {
    let options: LoadOptions
    let loop: any EventLoop
    let wheel: TickWheel
    let request: ByteBuffer
    var report = LoadReport()

    private let address: SocketAddress
    private let sources: [SocketAddress]
    private let share: Share
    private var random: SplitMix64
    private var connections: [ObjectIdentifier: LoadConnection] = [:]
    private var connecting = 0
    private var idle: [LoadConnection] = []
    /// Scheduled times of requests that wait for a connection, the oldest at `dueHead`.
    private var due: [UInt64] = []
    private var dueHead = 0
    private var issued = 0
    private var opened = 0
    private var isOver = false
    private var startedAt: UInt64 = 0
    private var lastEnd: UInt64 = 0
    private var reference: ByteBuffer?
    private var sweep: RepeatedTask?
    private let finished: EventLoopPromise<LoadReport>

    /// What falls to this loop.
    struct Share: Sendable {
        var index: Int
        var connections: Int
        var count: Int?
        var rate: Double?
    }

    init(_ options: LoadOptions, share: Share, address: SocketAddress, sources: [SocketAddress], loop: any EventLoop) {
        self.options = options
        self.share = share
        self.address = address
        self.sources = sources
        self.loop = loop
        wheel = TickWheel(loop: loop)
        request = ByteBuffer(string: options.requestText)
        random = SplitMix64(seed: options.seed &+ UInt64(share.index) &* 7919)
        finished = loop.makePromise()
    }

    // MARK: Start and end

    func run() -> EventLoopFuture<LoadReport> {
        startedAt = monotonicNanoseconds()
        lastEnd = startedAt
        let ramp = options.ramp.wholeNanoseconds
        for number in 0..<share.connections {
            let delay = ramp / Int64(max(share.connections, 1)) * Int64(number)
            if delay == 0 {
                open()
            } else {
                loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay)) { self.open() }
            }
        }
        if let duration = options.duration {
            loop.assumeIsolated().scheduleTask(in: .nanoseconds(duration.wholeNanoseconds)) { self.timeIsOver() }
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        sweep = loop.scheduleRepeatedTask(initialDelay: .milliseconds(250), delay: .milliseconds(250)) { _ in
            bound.value.sweepTimeouts()
        }
        if share.rate != nil { issueDue() }
        return finished.futureResult
    }

    private func timeIsOver() {
        isOver = true
        let now = monotonicNanoseconds()
        for connection in Array(connections.values) {
            if options.stream { connection.end(.unfinished, now: now) }
            if !connection.isBusy { connection.close() }
        }
        finishIfDone()
    }

    private var isExhausted: Bool {
        isOver || (share.count.map { issued >= $0 } ?? false)
    }

    private func finishIfDone() {
        guard isExhausted, waiting == 0, connecting == 0, !connections.values.contains(where: \.isBusy) else { return }
        guard let sweep else { return }
        self.sweep = nil
        sweep.cancel()
        for connection in Array(connections.values) { connection.close() }
        report.seconds = Double(lastEnd - startedAt) / 1e9
        report.bodyLength = reference?.readableBytes
        report.bodyHash = reference.map { BodyHash.of($0) }
        finished.succeed(report)
    }

    private func sweepTimeouts() {
        let now = monotonicNanoseconds()
        let limit = UInt64(clamping: options.timeout.wholeNanoseconds)
        for connection in Array(connections.values) where connection.isBusy && now &- connection.lastProgress > limit {
            connection.end(.failed(.timeout), now: now)
        }
        if isOver, dueHead < due.count, now &- due[dueHead] > limit {
            for _ in 0..<waiting { count(.failed(.timeout), latency: limit) }
            due.removeAll()
            dueHead = 0
        }
        finishIfDone()
    }

    // MARK: Connections

    /// Whether there is a request for one more connection.
    private var isNeeded: Bool {
        if waiting > 0 { return true }
        if share.rate == nil, let count = share.count, issued + connecting >= count { return false }
        return !isExhausted
    }

    private func open() {
        guard isNeeded else { return finishIfDone() }
        connecting += 1
        let bound = NIOLoopBound(self, eventLoop: loop)
        var bootstrap = ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 4096, maximum: 65_536)
            )
            .connectTimeout(.nanoseconds(options.timeout.wholeNanoseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LoadConnection(bound.value))
                }
            }
        if !sources.isEmpty { bootstrap = bootstrap.bind(to: sources[opened % sources.count]) }
        opened += 1
        bootstrap.connect(to: address).assumeIsolated().whenFailure { _ in self.connectFailed() }
    }

    private func connectFailed() {
        connecting -= 1
        if let began = takeDue() {
            count(.failed(.connect), latency: monotonicNanoseconds() &- began)
        } else if share.rate == nil, !isExhausted {
            issued += 1
            report.requests += 1
            count(.failed(.connect), latency: 0)
        }
        // A server that refuses is not asked again at once.
        loop.assumeIsolated().scheduleTask(in: .milliseconds(10)) { self.open() }
    }

    func opened(_ connection: LoadConnection) {
        connecting -= 1
        report.connections += 1
        connections[ObjectIdentifier(connection)] = connection
        free(connection, now: monotonicNanoseconds())
    }

    func closed(_ connection: LoadConnection, now: UInt64) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        idle.removeAll { $0 === connection }
        if connections.count + connecting < share.connections { open() }
        finishIfDone()
    }

    /// The answer to a question nobody asked.
    func unasked(_ connection: LoadConnection) {
        report.failures[.malformed, default: 0] += 1
        connection.close()
    }

    // MARK: Requests

    /// The connection may take another request.
    func free(_ connection: LoadConnection, now: UInt64) {
        if share.rate != nil {
            if let began = takeDue() {
                connection.send(began: began, now: now)
            } else if isExhausted {
                finishIfDone()
            } else {
                idle.append(connection)
            }
        } else if isExhausted {
            connection.close()
            finishIfDone()
        } else {
            issued += 1
            report.requests += 1
            connection.send(began: now, now: now)
        }
    }

    private var waiting: Int { due.count - dueHead }

    private func takeDue() -> UInt64? {
        guard dueHead < due.count else { return nil }
        defer {
            dueHead += 1
            if dueHead == due.count || dueHead >= 4096 {
                due.removeFirst(dueHead)
                dueHead = 0
            }
        }
        return due[dueHead]
    }

    /// Open loop: takes up every request whose time has come and wakes again for the next.
    private func issueDue() {
        guard let rate = share.rate, rate > 0, !isExhausted else { return finishIfDone() }
        let now = monotonicNanoseconds()
        var next = scheduled(issued, rate)
        while next <= now, !isExhausted {
            issued += 1
            report.requests += 1
            if let connection = idle.popLast() {
                connection.send(began: next, now: now)
            } else {
                due.append(next)
            }
            next = scheduled(issued, rate)
        }
        loop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(next)) { self.issueDue() }
    }

    /// The first request waits a moment, so that connections are open when it is due.
    private func scheduled(_ number: Int, _ rate: Double) -> UInt64 {
        let lead = 200_000_000 + UInt64(clamping: options.ramp.wholeNanoseconds)
        return startedAt &+ lead &+ UInt64(Double(number) * 1e9 / rate)
    }

    /// The moment at which this client is to leave, for those that are chosen to.
    func momentToLeave(now: UInt64) -> UInt64? {
        guard options.leave > 0, Double.random(in: 0..<1, using: &random) < options.leave else { return nil }
        let limit = UInt64(clamping: max(options.leaveWithin.wholeNanoseconds, 1))
        return now &+ UInt64.random(in: 0...limit, using: &random)
    }

    // MARK: Books

    /// Whether the body is what it should be.
    func accepts(_ body: ByteBuffer) -> Bool {
        if let reference { return body == reference }
        if let length = options.expectedLength, body.readableBytes != length { return false }
        if let hash = options.expectedHash, BodyHash.of(body) != hash { return false }
        reference = body
        return true
    }

    func count(_ end: LoadConnection.End, latency: UInt64) {
        lastEnd = monotonicNanoseconds()
        switch end {
        case .completed:
            report.completed += 1
            report.latency.add(latency)
        case .left: report.left += 1
        case .unfinished: report.unfinished += 1
        case .failed(let kind): report.failures[kind, default: 0] += 1
        }
    }
}
