package import Logging
import MartletBase
package import MartletExchange
import MartletNet
package import NIOCore
import NIOPosix

/// A listening socket and what its connections are held to.
package struct Listener {
    package let channel: any Channel
    /// Where it listens, the port that was picked included.
    package let address: SocketAddress

    /// Makes a listening socket (see ``ListenSocket``) ready to be served on the loops of `loops`; owns it from now on.
    /// Clients wait in the kernel's queue until ``accept()``.
    package static func open(
        _ socket: CInt, site: Site, loops: LoopTable, logger: Logger
    ) async throws -> Listener {
        let settings = site.served.settings
        let (governor, isConsole) = (settings.governor, settings.outlivesDrain)
        let channel = try await ServerBootstrap(group: loops.group)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try SocketOptions.standard.apply(to: channel)
                    // NIO listened once more on what was given to it, with a backlog of its own.
                    try ListenSocket.listen(socket)
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptPause { error in
                            logger.error("no connection can be accepted", metadata: ["error": "\(error)"])
                        })
                    try channel.pipeline.syncOperations.addHandler(AcceptGate(governor: governor, isConsole: isConsole))
                }
            }
            .childChannelInitializer { channel in
                governor.hold(channel, isConsole: isConsole)
                return channel.eventLoop.makeCompletedFuture {
                    try ReadBuffers.apply(to: channel)
                    guard let loop = loops.context(of: channel.eventLoop) else { throw ChannelError.ioOnClosedChannel }
                    let served = site.served
                    if let tls = served.tls { try channel.pipeline.syncOperations.addHandler(tls.makeHandler()) }
                    try channel.pipeline.syncOperations.addHandler(
                        makeFront(on: loop, settings: served.settings, site: site))
                }
            }
            .withBoundSocket(socket)
            .get()
        guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
        return Listener(channel: channel, address: address)
    }

    /// The handler of one connection.
    package static func makeFront(on loop: LoopContext, settings: FrontSettings, site: Site) -> some ChannelHandler {
        HTTP1Front(loop: loop, settings: settings) { site.router }
    }

    /// Takes connections from now on.
    package func accept() async {
        // Refused by a channel that is closed, which takes none.
        try? await channel.setOption(.autoRead, value: true).get()
    }

    /// Takes no more connections; those that are open live on.
    package func close() async {
        try? await channel.close()
    }
}
