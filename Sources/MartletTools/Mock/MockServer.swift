import MartletBase
package import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A model backend that only pretends: OpenAI-shaped answers of any size and speed, and any way of going wrong.
///
/// `Sources/MartletTools/README.md` lists what it serves. It costs little enough to share a core with the load
/// generator while a proxy is measured on another.
package final class MockServer: Sendable {
    private let loop: any EventLoop
    private let listener: NIOLoopBound<MockListener>
    private let over: EventLoopFuture<Void>
    private let shared: MockShared
    /// The port it listens on.
    package let port: Int

    private init(listener: NIOLoopBound<MockListener>, port: Int, over: EventLoopFuture<Void>, shared: MockShared) {
        self.listener = listener
        self.over = over
        self.shared = shared
        self.port = port
        loop = over.eventLoop
    }

    /// Listens. Throws when the address cannot be bound.
    package static func start(
        _ options: MockOptions = .init(), on group: any EventLoopGroup
    ) async throws -> MockServer {
        let loop = group.next()
        let shared = MockShared(options, loop: loop)
        let bind = { @Sendable (port: Int) in Self.listen(options.host, port, shared, on: loop, children: group) }
        let channel = try await bind(options.port).get()
        // Before a schedule may close it again.
        let port = channel.localAddress?.port ?? 0
        let over = loop.makePromise(of: Void.self)
        let listener = try await loop.submit {
            NIOLoopBound(MockListener(channel, over: over, bind: bind), eventLoop: loop)
        }.get()
        shared.conduct.followPort { isOpen in
            loop.execute { listener.value.set(isOpen: isOpen) }
            if !isOpen { shared.cutConnections() }
        }
        return MockServer(listener: listener, port: port, over: over.futureResult, shared: shared)
    }

    private static func listen(
        _ host: String, _ port: Int, _ shared: MockShared, on loop: any EventLoop, children: any EventLoopGroup
    ) -> EventLoopFuture<any Channel> {
        let pause = shared.options.slowAccept
        let bound = ServerBootstrap(group: loop, childGroup: children)
            .serverChannelOption(.backlog, value: 65_535)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: UInt(pause == nil ? 64 : 1))
            .serverChannelOption(.autoRead, value: pause == nil)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 4096, maximum: 65_536)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = MockConnection(shared.site(on: channel.eventLoop))
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .bind(host: host, port: port)
        guard let pause else { return bound }
        return bound.map { channel in
            Self.acceptSlowly(channel, every: .nanoseconds(pause.wholeNanoseconds))
            return channel
        }
    }

    private static func acceptSlowly(_ channel: any Channel, every pause: TimeAmount) {
        let task = channel.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in channel.read() }
        channel.closeFuture.whenComplete { _ in task.cancel() }
    }

    /// What it has done so far.
    package var stats: MockStats { shared.stats }

    /// How it answers from now on, but for what the schedule changes. Requests under way keep what they began with.
    package var behaviour: MockBehaviour {
        get { shared.conduct.wanted }
        set { shared.conduct.wanted = newValue }
    }

    /// How it misbehaves by the clock; setting it starts its clock.
    package var schedule: MockSchedule {
        get { shared.conduct.schedule }
        set { shared.conduct.begin(newValue) }
    }

    /// What is known of the request that carried this `x-mock-id`.
    package func record(of id: String) -> MockRequestRecord? { shared.records[id] }

    /// What is known of every request that carried an `x-mock-id`, in order of arrival; the oldest are forgotten.
    package var records: [MockRequestRecord] { shared.records.all }

    /// The heads of all requests to its models, as they came; none, unless ``MockOptions/keepsHeads`` says so.
    package var heads: [String] { shared.keptHeads }

    /// Waits until the request that carries this `x-mock-id` has reached `state`; nil when `timeout` passes first.
    package func wait(
        for id: String, state: MockRequestState, timeout: Duration = .seconds(5)
    ) async throws -> MockRequestRecord? {
        let limit = TimeAmount.nanoseconds(timeout.wholeNanoseconds)
        return try await shared.records.wait(for: id, state: state, timeout: limit, on: loop).get()
    }

    /// Returns once it has been stopped.
    package func closed() async throws {
        try await over.get()
    }

    /// Stops listening and cuts every connection, as a backend that is killed does.
    package func stop() async {
        shared.stop()
        loop.execute { [listener] in listener.value.stop() }
        try? await over.get()
        shared.records.close()
    }
}

/// What all event loops of one server share.
final class MockShared: Sendable {
    let options: MockOptions
    let created: Int
    let conduct: MockConduct
    let slots: MockSlots
    let counters = MockCounters()
    let records = MockRecords()
    private let heads = Mutex<[String]>([])
    private let sites = Mutex<[ObjectIdentifier: NIOLoopBound<MockSite>]>([:])
    private let isStopped = Atomic(false)

    init(_ options: MockOptions, loop: any EventLoop) {
        self.options = options
        // The same for every mock, so that the answers of several can be compared byte by byte.
        created = 1_700_000_000
        conduct = MockConduct(options, loop: loop)
        slots = MockSlots(limit: options.slots)
    }

    var stats: MockStats {
        var stats = counters.stats
        slots.note(in: &stats)
        return stats
    }

    var keptHeads: [String] { heads.withLock { $0 } }

    func keep(_ request: MockRequest) {
        guard options.keepsHeads else { return }
        heads.withLock { $0.append(String(buffer: request.head)) }
    }

    /// The loop's own part; called on that loop.
    func site(on loop: any EventLoop) -> MockSite {
        sites.withLock { sites in
            if let site = sites[ObjectIdentifier(loop)] { return site.value }
            let site = MockSite(self, loop: loop)
            sites[ObjectIdentifier(loop)] = NIOLoopBound(site, eventLoop: loop)
            return site
        }
    }

    /// Resets every connection, those that are accepted from now on too.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        conduct.stop()
        cutConnections()
    }

    func cutConnections() {
        for site in sites.withLock({ Array($0.values) }) {
            site.eventLoop.execute { site.value.cutAll() }
        }
    }

    var stopped: Bool { isStopped.load(ordering: .relaxed) }
}

/// What the connections of one event loop share.
final class MockSite {
    let shared: MockShared
    let loop: any EventLoop
    let wheel: TickWheel
    let answers: MockAnswers
    private var connections: [ObjectIdentifier: MockConnection] = [:]

    init(_ shared: MockShared, loop: any EventLoop) {
        self.shared = shared
        self.loop = loop
        wheel = TickWheel(loop: loop)
        answers = MockAnswers(model: shared.options.model, created: shared.created)
    }

    func opened(_ connection: MockConnection) {
        shared.counters.connections.add(1, ordering: .relaxed)
        connections[ObjectIdentifier(connection)] = connection
        if shared.stopped { connection.reset() }
    }

    func closed(_ connection: MockConnection) {
        connections[ObjectIdentifier(connection)] = nil
    }

    func cutAll() {
        for connection in Array(connections.values) { connection.reset() }
    }
}
