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
    private let requestHead: ByteBuffer
    private let requestEnd: ByteBuffer
    private let request: ByteBuffer
    var report = LoadReport()

    private let address: SocketAddress
    private let sources: [SocketAddress]
    let share: Share
    var random: SplitMix64
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
    var lastEnd: UInt64 = 0
    var lastNumber = 0
    var reference: ByteBuffer?
    private var sweep: RepeatedTask?
    private let finished: EventLoopPromise<LoadReport>

    /// What falls to this loop.
    struct Share: Sendable {
        var index: Int
        /// How many loops there are.
        var of: Int
        /// When the whole run began.
        var origin: UInt64
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
        requestHead = ByteBuffer(string: options.requestHead)
        requestEnd = ByteBuffer(string: "\r\n" + options.body)
        request = ByteBuffer(string: options.requestHead + "\r\n" + options.body)
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
            for began in due[dueHead...] { neverSent(.timeout, began: began, now: now) }
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
        let openedAt = monotonicNanoseconds()
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
                    try channel.pipeline.syncOperations.addHandler(
                        LoadConnection(bound.value, openedAt: openedAt))
                }
            }
        if !sources.isEmpty { bootstrap = bootstrap.bind(to: sources[opened % sources.count]) }
        opened += 1
        bootstrap.connect(to: address).assumeIsolated()
            .whenFailure { self.connectFailed($0, openedAt: openedAt) }
    }

    private func connectFailed(_ error: any Error, openedAt: UInt64) {
        connecting -= 1
        let now = monotonicNanoseconds()
        if let began = takeDue() {
            noteConnectFailure(error)
            neverSent(.connect, began: began, now: now)
        } else if share.rate == nil, !isExhausted {
            noteConnectFailure(error)
            issue(at: openedAt)
            neverSent(.connect, began: openedAt, now: now)
        }
        guard !options.isOnce else { return finishIfDone() }
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
        if !options.isOnce, connections.count + connecting < share.connections { open() }
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
            let began = options.isOnce ? connection.openedAt : now
            issue(at: began)
            connection.send(began: began, now: now)
        }
    }

    private func issue(at time: UInt64) {
        issued += 1
        report.requests += 1
        report.series.began(at: age(time))
    }

    /// The bytes of a request: the same for all, unless each carries its own id.
    func request(id: String?) -> ByteBuffer {
        guard let id else { return request }
        var bytes = requestHead
        bytes.writeString("x-mock-id: \(id)\r\nx-request-id: \(id)\r\n")
        bytes.writeImmutableBuffer(requestEnd)
        return bytes
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
            issue(at: next)
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
}
