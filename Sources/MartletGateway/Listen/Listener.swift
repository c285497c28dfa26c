package import Logging
import MartletBase
package import MartletExchange
package import MartletNet
package import NIOCore
import NIOPosix

/// A listening socket and what its connections are held to.
package struct Listener {
    package let channel: any Channel
    /// Where it listens, the port that was picked included.
    package let address: SocketAddress

    /// Binds `address` and serves it on the loops of `loops`.
    package static func open(
        on address: SocketAddress, tls: TLSServer?, settings: FrontSettings, site: Site, loops: LoopTable,
        logger: Logger
    ) async throws -> Listener {
        let channel = try await ServerBootstrap(group: loops.group)
            .serverChannelOption(.backlog, value: ListenBacklog.fromKernel())
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try SocketOptions.standard.apply(to: channel)
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(logger: logger))
                }
            }
            // A burst of clients is accepted in few turns of the loop.
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = loops.context(of: channel.eventLoop) else { throw ChannelError.ioOnClosedChannel }
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls.makeHandler()) }
                    try channel.pipeline.syncOperations.addHandler(
                        makeFront(on: loop, settings: settings, site: site))
                }
            }
            .bind(to: address)
            .get()
        return Listener(channel: channel, address: channel.localAddress ?? address)
    }

    /// The handler of one connection.
    package static func makeFront(on loop: LoopContext, settings: FrontSettings, site: Site) -> some ChannelHandler {
        HTTP1Front(loop: loop, settings: settings) { site.router }
    }

    /// Takes no more connections; those that are open live on.
    package func close() async {
        try? await channel.close()
    }
}
