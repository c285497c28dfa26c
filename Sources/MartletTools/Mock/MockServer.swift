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
    private let channel: any Channel
    private let shared: MockShared
    /// The port it listens on.
    package let port: Int

    private init(channel: any Channel, shared: MockShared) {
        self.channel = channel
        self.shared = shared
        port = channel.localAddress?.port ?? 0
    }

    /// Listens. Throws when the address cannot be bound.
    package static func start(
        _ options: MockOptions = .init(), on group: any EventLoopGroup
    ) async throws -> MockServer {
        let shared = MockShared(options)
        let isSlow = options.slowAccept != nil
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 65_535)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: UInt(isSlow ? 1 : 64))
            .serverChannelOption(.autoRead, value: !isSlow)
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
            .bind(host: options.host, port: options.port).get()
        if let pause = options.slowAccept { Self.acceptSlowly(channel, every: .nanoseconds(pause.wholeNanoseconds)) }
        return MockServer(channel: channel, shared: shared)
    }

    private static func acceptSlowly(_ channel: any Channel, every pause: TimeAmount) {
        let task = channel.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in channel.read() }
        channel.closeFuture.whenComplete { _ in task.cancel() }
    }

    /// What it has done so far.
    package var stats: MockStats { shared.counters.stats }

    /// How it answers from now on. Requests under way keep what they began with.
    package var behaviour: MockBehaviour {
        get { shared.behaviour.withLock { $0 } }
        set { shared.behaviour.withLock { $0 = newValue } }
    }

    /// What is known of the request that carried this `x-mock-id`.
    package func record(of id: String) -> MockRequestRecord? { shared.records[id] }

    /// Waits until the request that carries this `x-mock-id` has reached `state`; nil when `timeout` passes first.
    package func wait(
        for id: String, state: MockRequestState, timeout: Duration = .seconds(5)
    ) async throws -> MockRequestRecord? {
        let limit = TimeAmount.nanoseconds(timeout.wholeNanoseconds)
        return try await shared.records.wait(for: id, state: state, timeout: limit, on: channel.eventLoop).get()
    }

    /// Returns once it no longer listens.
    package func closed() async throws {
        try await channel.closeFuture.get()
    }

    /// Stops listening and cuts every connection, as a backend that is killed does.
    package func stop() async {
        shared.cutAll()
        try? await channel.close()
        shared.records.close()
    }
}

/// What all event loops of one server share.
final class MockShared: Sendable {
    let options: MockOptions
    let created: Int
    let behaviour: Mutex<MockBehaviour>
    let counters = MockCounters()
    let records = MockRecords()
    private let sites = Mutex<[ObjectIdentifier: NIOLoopBound<MockSite>]>([:])
    private let isStopped = Atomic(false)

    init(_ options: MockOptions) {
        self.options = options
        created = time(nil)
        behaviour = Mutex(options.behaviour)
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

    func cutAll() {
        isStopped.store(true, ordering: .relaxed)
        for site in sites.withLock({ Array($0.values) }) {
            site.eventLoop.execute { site.value.cutAll() }
        }
    }

    var stopped: Bool { isStopped.load(ordering: .relaxed) }
}

/// What the connections of one event loop share.
final class MockSite {
    let shared: MockShared
    let wheel: TickWheel
    let answers: MockAnswers
    private var connections: [ObjectIdentifier: MockConnection] = [:]

    init(_ shared: MockShared, loop: any EventLoop) {
        self.shared = shared
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
