import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A backend that a test plays by hand: its connections are handed out one after the other.
final class RawBackend: Sendable {
    private let listener: any Channel
    private let accepted: Accepted

    var port: Int { listener.localAddress?.port ?? 0 }
    /// How many connections were made to it.
    var connectionCount: Int { accepted.count }

    private init(listener: any Channel, accepted: Accepted) {
        self.listener = listener
        self.accepted = accepted
    }

    static func start(tls: NIOSSLContext? = nil) async throws -> RawBackend {
        let accepted = Accepted()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let log = NIOLoopBound(PeerLog(), eventLoop: channel.eventLoop)
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(log.value)
                    accepted.add(Peer(channel: channel, log: log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawBackend(listener: listener, accepted: accepted)
    }

    /// The next connection, waited for.
    func next(within limit: TimeAmount = .seconds(10)) async throws -> Peer {
        try await accepted.next(within: limit)
    }

    /// Plays every further connection with `part`: it is given the connection and its number, from 1.
    func play(_ part: @escaping @Sendable (Peer, Int) async throws -> Void) {
        accepted.play(part)
    }

    /// Answers the heads of requests (without bodies) on every further connection.
    func answer(_ answer: @escaping @Sendable (String) -> String) {
        play { peer, _ in
            while let head = try await peer.takeHead() { try await peer.send(answer(head)) }
        }
    }

    func stop() async {
        try? await listener.close()
        for peer in accepted.all { await peer.close() }
    }
}

/// The connections of a ``RawBackend``.
private final class Accepted: Sendable {
    private struct State {
        var all: [Peer] = []
        /// Came, and nobody asked for them yet.
        var arrived: [Peer] = []
        var wanted: [EventLoopPromise<Peer>] = []
        var part: (@Sendable (Peer, Int) async throws -> Void)?
    }

    private struct NobodyCame: Error {}

    private let state = Mutex(State())

    var all: [Peer] { state.withLock { $0.all } }
    var count: Int { state.withLock { $0.all.count } }

    func add(_ peer: Peer) {
        let (part, promise, number) = state.withLock { state in
            state.all.append(peer)
            let number = state.all.count
            if let part = state.part { return (Optional(part), EventLoopPromise<Peer>?.none, number) }
            if !state.wanted.isEmpty { return (nil, state.wanted.removeFirst(), number) }
            state.arrived.append(peer)
            return (nil, nil, number)
        }
        promise?.succeed(peer)
        if let part { Task { try? await part(peer, number) } }
    }

    func play(_ part: @escaping @Sendable (Peer, Int) async throws -> Void) {
        state.withLock { $0.part = part }
    }

    func next(within limit: TimeAmount) async throws -> Peer {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: Peer.self)
        let timer = loop.scheduleTask(in: limit) { promise.fail(NobodyCame()) }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        let arrived = state.withLock { state -> Peer? in
            if !state.arrived.isEmpty { return state.arrived.removeFirst() }
            state.wanted.append(promise)
            return nil
        }
        if let arrived { promise.succeed(arrived) }
        return try await promise.futureResult.get()
    }
}
