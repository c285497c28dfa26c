import CMartlet
import Glibc
import Foundation
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
        let values = try await channel.eventLoop.submit {
            let options = try #require(channel.syncOptions)
            return try [TCP_NODELAY, TCP_USER_TIMEOUT, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT].map {
                try options.getOption(.tcpOption(.init(rawValue: $0)))
            } + [try options.getOption(.socketOption(.so_keepalive))]
        }.get()
        #expect(values == [1, 30_000, 30, 10, 3, 1])
        try await channel.close()
        try await server.stop()
    }

    @Test func unixSocketsTakeNoTCPOptions() async throws {
        let path = "/tmp/martlet-options-\(getpid()).sock"
        let server = try await ScriptedServer.start(.silence, on: SocketAddress(unixDomainSocketPath: path))
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: path).get()
        try await channel.eventLoop.submit { try SocketOptions.standard.apply(to: channel) }.get()
        try await channel.close()
        try await server.stop()
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
        let kernel = try #require(Int32(String(contentsOfFile: "/proc/sys/net/core/somaxconn", encoding: .utf8).dropLast()))
        #expect(ListenBacklog.fromKernel() == min(kernel, 65_535))
        #expect(ListenBacklog.fromKernel(path: "/no/such/file") > 128)
    }
}

@Suite struct DescriptorShimTests {
    @Test func tellsTheStateOfASocket() throws {
        let fd = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        #expect(martlet_tcp_state(fd) == 7)
        close(fd)
        #expect(martlet_tcp_state(-1) == -EBADF)
    }

    @Test func closesARangeOfDescriptors() throws {
        let fd = dup(0)
        let high = fcntl(fd, F_DUPFD, 5000)
        #expect(martlet_close_range(UInt32(high), UInt32(high), 0) == 0)
        #expect(fcntl(high, F_GETFD) == -1)
        close(fd)
    }
}
