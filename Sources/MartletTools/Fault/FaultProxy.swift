import MartletBase
package import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy that spoils connections on purpose: between clients and the gateway, or between it and a backend.
///
/// It works in user space, so that it needs neither the kernel's `netem` nor a right to change the network. It lives in
/// the tools and not with the tests' stand-ins because `martlet demo` is part of the product, which knows nothing of
/// the tests' rooms; the tests may know the tools.
package final class FaultProxy: Sendable {
    /// What has passed so far.
    package struct Stats: Sendable, Equatable {
        /// Connections that were taken, those that were swallowed included.
        package var connections = 0
        package var swallowed = 0
        package var open = 0
        package var bytesToTarget = 0
        package var bytesToClient = 0
    }

    private let channel: any Channel
    private let site: NIOLoopBound<FaultSite>
    private let shared: FaultShared
    package let port: Int

    private init(_ channel: any Channel, _ site: NIOLoopBound<FaultSite>, _ shared: FaultShared) {
        self.channel = channel
        self.site = site
        self.shared = shared
        port = channel.localAddress?.port ?? 0
    }

    /// Listens on a port of 127.0.0.1 and sends what comes on to `target`, as `faults` say.
    ///
    /// - Parameters:
    ///   - port: 0 picks one.
    ///   - receiveBuffer: bytes of the kernel's receive buffers. Small ones fill soon when the proxy is half open.
    ///   - seed: the same seed makes the same jitter, connection by connection.
    package static func start(
        target: Int, host: String = "127.0.0.1", port: Int = 0, faults: Faults = Faults(), receiveBuffer: Int? = nil,
        seed: UInt64 = 1, on group: any EventLoopGroup
    ) async throws -> FaultProxy {
        let address = try SocketAddress.makeAddressResolvingHost(host, port: target)
        let loop = group.next()
        let shared = FaultShared(faults)
        let site = try await loop.submit {
            NIOLoopBound(FaultSite(shared, loop: loop, address: address, seed: seed), eventLoop: loop)
        }.get()
        var bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let end = FaultEnd()
                    try channel.pipeline.syncOperations.addHandler(end)
                    site.value.accepted(end, channel, receiveBuffer: receiveBuffer)
                }
            }
        if let receiveBuffer {
            // Of the listener: connections inherit it before the first byte can come.
            bootstrap = bootstrap.serverChannelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
        }
        return FaultProxy(try await bootstrap.bind(host: "127.0.0.1", port: port).get(), site, shared)
    }

    /// What is done from now on, also to connections that exist.
    package var faults: Faults {
        get { shared.faults.withLock { $0 } }
        set {
            shared.faults.withLock { $0 = newValue }
            channel.eventLoop.execute { [site] in site.value.faultsChanged() }
        }
    }

    package var stats: Stats { shared.stats.withLock { $0 } }

    /// Ends every connection there is now; returns when that is done.
    package func cut(_ how: Faults.End) async {
        try? await channel.eventLoop.submit { [site] in site.value.cut(how) }.get()
    }

    /// Stops listening and resets what is open.
    package func stop() async {
        try? await channel.close()
        await cut(.reset)
    }
}

/// What the proxy and its event loop both know.
final class FaultShared: Sendable {
    let faults: Mutex<Faults>
    let stats = Mutex(FaultProxy.Stats())

    init(_ faults: Faults) {
        self.faults = Mutex(faults)
    }
}

/// The proxy on its event loop.
final class FaultSite {
    let loop: any EventLoop
    private(set) var faults: Faults
    private let shared: FaultShared
    private let address: SocketAddress
    private var seed: UInt64
    private var pairs: [ObjectIdentifier: FaultPair] = [:]
    private var swallowed: [ObjectIdentifier: any Channel] = [:]

    init(_ shared: FaultShared, loop: any EventLoop, address: SocketAddress, seed: UInt64) {
        self.shared = shared
        self.loop = loop
        self.address = address
        self.seed = seed
        faults = shared.faults.withLock { $0 }
    }

    func accepted(_ end: FaultEnd, _ channel: any Channel, receiveBuffer: Int?) {
        let swallows = faults.swallowsConnections
        shared.stats.withLock { stats in
            stats.connections += 1
            stats.open += 1
            if swallows { stats.swallowed += 1 }
        }
        if swallows {
            let id = ObjectIdentifier(channel)
            swallowed[id] = channel
            channel.closeFuture.assumeIsolated().whenComplete { _ in
                self.swallowed[id] = nil
                self.shared.stats.withLock { $0.open -= 1 }
            }
            return
        }
        seed &+= 2
        let pair = FaultPair(end, self, seed: seed)
        pairs[ObjectIdentifier(pair)] = pair
        pair.connect(to: address, receiveBuffer: receiveBuffer)
    }

    func faultsChanged() {
        faults = shared.faults.withLock { $0 }
        for pair in Array(pairs.values) { pair.wake() }
    }

    func count(_ bytes: Int, toTarget: Bool) {
        shared.stats.withLock { stats in
            if toTarget { stats.bytesToTarget += bytes } else { stats.bytesToClient += bytes }
        }
    }

    func ended(_ pair: FaultPair) {
        if pairs.removeValue(forKey: ObjectIdentifier(pair)) != nil {
            shared.stats.withLock { $0.open -= 1 }
        }
    }

    func cut(_ how: Faults.End) {
        for pair in Array(pairs.values) { pair.end(how) }
        for channel in Array(swallowed.values) {
            if how == .reset { channel.closeWithReset() } else { channel.close(promise: nil) }
        }
    }
}
