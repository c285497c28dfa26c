import NIOCore
import NIOPosix

/// A listener that accepts nothing and whose queue is full: later connections hang in their handshake.
struct FullListener: Sendable {
    let address: SocketAddress
    private let listener: any Channel
    private let queued: [any Channel]

    init() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 0)
            .serverChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        guard let address = listener.localAddress else { throw ChannelError.unknownLocalAddress }
        self.address = address
        // A queue of length zero holds one connection.
        queued = [try await ClientBootstrap(group: group).connect(to: address).get()]
    }

    func close() async throws {
        for channel in queued { try await channel.close() }
        try await listener.close()
    }
}
