import Foundation
import Glibc
import MartletNet
import NIOCore
import NIOPosix
import Testing

@Suite(.timeLimit(.minutes(1))) struct SocketOptionsTests {
    @Test func standardOptionsReachTheSocket() async throws {
        let server = try await ScriptedServer.start(.silence)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try SocketOptions.standard.apply(to: channel) }
            }
            .connect(to: server.address).get()
        let values = try await channel.eventLoop.submit { try Self.values(of: channel) }.get()
        #expect(values == [1, 30_000, 30, 10, 3, 1])
        try await channel.close()
        try await server.stop()
    }

    @Test func acceptedSocketsInheritTheirListenersOptions() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let found = group.next().makePromise(of: [Int].self)
        let listener = try await ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try SocketOptions.standard.apply(to: channel) }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    found.completeWith(Result { try Self.values(of: channel) })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(listener.localAddress)
        let channel = try await ClientBootstrap(group: group).connect(to: address).get()
        #expect(try await found.futureResult.get() == [1, 30_000, 30, 10, 3, 1])
        try await channel.close()
        try await listener.close()
    }

    @Test func unixSocketsTakeNoTCPOptions() async throws {
        let path = "/tmp/martlet-options-\(UInt32.random(in: 0 ... .max)).sock"
        let apply: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
            channel.eventLoop.makeCompletedFuture { try SocketOptions.standard.apply(to: channel) }
        }
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelInitializer(apply).childChannelInitializer(apply)
            .bind(unixDomainSocketPath: path).get()
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer(apply)
            .connect(unixDomainSocketPath: path).get()
        try await apply(channel).get()
        try await channel.close()
        try await listener.close()
    }

    private static func values(of channel: any Channel) throws -> [Int] {
        let options = try #require(channel.syncOptions)
        return try [TCP_NODELAY, TCP_USER_TIMEOUT, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT].map {
            try options.getOption(.tcpOption(.init(rawValue: $0)))
        } + [try options.getOption(.socketOption(.so_keepalive))]
    }

    @Test func resetIsWhatThePeerSees() async throws {
        let server = try await ScriptedServer.start(.reset)
        let outcome = server.channel.eventLoop.makePromise(of: String.self)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EndWitness(outcome))
                }
            }
            .connect(to: server.address).get()
        try await channel.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
        #expect(try await outcome.futureResult.get() == "reset")
        try await server.stop()
    }
}

/// Tells a reset from an ordinary end.
private final class EndWitness: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let outcome: EventLoopPromise<String>

    init(_ outcome: EventLoopPromise<String>) { self.outcome = outcome }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        outcome.succeed((error as? IOError)?.errnoCode == ECONNRESET ? "reset" : "\(error)")
    }

    func channelInactive(context: ChannelHandlerContext) {
        outcome.succeed("closed")
    }
}

@Suite struct OpenFilesTests {
    @Test func raisesTheSoftLimitAsFarAsItGoes() throws {
        let raised = try OpenFiles.raise()
        #expect(raised.soft >= min(raised.hard, OpenFiles.ceiling))
        #expect(try OpenFiles.limit() == raised)
    }

    @Test func neverLowersTheLimit() throws {
        let before = try OpenFiles.raise()
        #expect(try OpenFiles.raise(to: 16).soft == before.soft)
    }

    @Test func readsTheKernelsBacklog() throws {
        let text = try String(contentsOfFile: "/proc/sys/net/core/somaxconn", encoding: .utf8)
        let bound = try #require(CInt(text.dropLast()))
        #expect(ListenBacklog.fromKernel() == min(bound, 65_535))
        #expect(ListenBacklog.fromKernel(path: "/no/such/file") > 128)
    }
}
