import NIOCore
import NIOPosix

/// A backend whose queue of connections is full and is never emptied: to connect to it takes for ever.
final class FullBackend: Sendable {
    private let listener: any Channel
    private let fillers: [any Channel]

    var port: Int { listener.localAddress?.port ?? 0 }

    private init(listener: any Channel, fillers: [any Channel]) {
        self.listener = listener
        self.fillers = fillers
    }

    static func start() async throws -> FullBackend {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1)
            .serverChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        // Linux lets one connection more than the backlog wait.
        var fillers: [any Channel] = []
        for _ in 0..<2 {
            fillers.append(
                try await ClientBootstrap(group: group)
                    .connect(host: "127.0.0.1", port: listener.localAddress?.port ?? 0).get())
        }
        return FullBackend(listener: listener, fillers: fillers)
    }

    func stop() async {
        for filler in fillers { try? await filler.close() }
        try? await listener.close()
    }
}
