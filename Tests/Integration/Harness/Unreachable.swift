import NIOCore
import NIOPosix

/// An address where nobody takes connections: its queue of connections that wait is full, so that one more is neither
/// accepted nor refused.
final class Unreachable: Sendable {
    private let listener: any Channel
    private let fillers: [any Channel]
    let port: Int
    var url: String { "http://127.0.0.1:\(port)" }

    private init(listener: any Channel, fillers: [any Channel]) {
        self.listener = listener
        self.fillers = fillers
        port = listener.localAddress?.port ?? 0
    }

    static func start() async throws -> Unreachable {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1)
            .serverChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        var fillers: [any Channel] = []
        // The kernel takes a few more than the backlog says.
        while fillers.count < 16, let address = listener.localAddress,
            let filler = try? await ClientBootstrap(group: group).connectTimeout(.milliseconds(150))
                .connect(to: address).get()
        {
            fillers.append(filler)
        }
        return Unreachable(listener: listener, fillers: fillers)
    }

    func stop() async {
        for filler in fillers { try? await filler.close() }
        try? await listener.close()
    }
}

/// Ports of loopback where nobody listens.
enum Refusing {
    /// A port that was free a moment ago.
    static func port() async throws -> Int {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        defer { listener.close(promise: nil) }
        return listener.localAddress?.port ?? 1
    }
}
