import Glibc
import MartletExchange
import MartletNet
import MartletTesting
import NIOCore
import NIOPosix
import Testing

@testable import MartletGateway

/// What goes straight to the socket and what waits in the channel's queue arrive in the order in which it was written.
@Suite(.timeLimit(.minutes(1))) struct OutboxTests {
    /// Reads nothing until it is told to, then gathers everything up to the end.
    private final class SlowReader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let done: EventLoopPromise<ByteBuffer>
        private var gathered = ByteBuffer()

        init(done: EventLoopPromise<ByteBuffer>) { self.done = done }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            gathered.writeBuffer(&bytes)
        }

        func channelInactive(context: ChannelHandlerContext) { done.succeed(gathered) }
    }

    /// Writes numbered lines, most of them small enough to be gathered, some passed on as slices.
    private final class Writer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let outbox: Outbox
        private let isTLS: Bool
        private(set) var written = ByteBuffer()

        init(loop: LoopContext, isTLS: Bool) {
            outbox = Outbox(loop: loop)
            self.isTLS = isTLS
        }

        func channelActive(context: ChannelHandlerContext) { outbox.opened(context.channel, isTLS: isTLS) }

        func writeAll(_ context: ChannelHandlerContext, lines: Int) {
            for number in 0..<lines {
                let length = number % 7 == 0 ? 10_000 : 1_000
                let line = ByteBuffer(string: "\(number):" + String(repeating: "x", count: length) + "\n")
                written.writeImmutableBuffer(line)
                outbox.append(line, to: context)
                outbox.flush(to: context)
            }
        }

        func end(_ context: ChannelHandlerContext) -> EventLoopFuture<Void> {
            outbox.write("end")
            written.writeStaticString("end")
            return outbox.flushLast(to: context)
        }

        var count: Int { outbox.writtenBytes }
        var isBroken: Bool { outbox.isBroken }
    }

    @Test(arguments: [false, true])
    func bytesArriveInOrderWhenTheKernelIsFull(throughTheChannelOnly isTLS: Bool) async throws {
        // A loop of its own: what is written in one turn keeps it busy for seconds where the machine is, and other
        // tests wait for their answers on the shared ones.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let accepted = loop.makePromise(of: (any Channel).self)
        let received = loop.makePromise(of: ByteBuffer.self)
        let listener = try await ServerBootstrap(group: loop)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SlowReader(done: received))
                    accepted.succeed(channel)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let writer = try await loop.submit {
            NIOLoopBound(Writer(loop: .fake(on: loop, bytes: 1 << 30), isTLS: isTLS), eventLoop: loop)
        }.get()
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(writer.value) }
            }
            .connect(to: try #require(listener.localAddress)).get()
        let reader = try await accepted.futureResult.get()

        // Far more than both kernels hold: from some point on everything is queued.
        let waiting = try await loop.submit {
            let context = try channel.pipeline.syncOperations.context(handler: writer.value)
            writer.value.writeAll(context, lines: 8_000)
            return try channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0
        }.get()
        #expect(waiting > 0)
        // Read to the half, write on: queued bytes and direct writes take turns.
        try await reader.setOption(.autoRead, value: true).get()
        let drained = try await loop.submit {
            let context = try channel.pipeline.syncOperations.context(handler: writer.value)
            writer.value.writeAll(context, lines: 500)
            return writer.value.end(context)
        }.get()
        try await drained.get()
        // The queue is empty: what is written now goes directly again.
        try await loop.submit {
            let context = try channel.pipeline.syncOperations.context(handler: writer.value)
            writer.value.writeAll(context, lines: 3)
        }.get()
        try await channel.close()
        let got = try await received.futureResult.get()
        let (wanted, count) = try await loop.submit { (writer.value.written, writer.value.count) }.get()
        #expect(got == wanted)
        #expect(count == wanted.readableBytes)
        try await listener.close()
        try await group.shutdownGracefully()
    }

    @Test func aResetThatAWriteMeetsFirstIsNoGoodEnd() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let accepted = loop.makePromise(of: (any Channel).self)
        let listener = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                accepted.succeed(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let writer = try await loop.submit {
            NIOLoopBound(Writer(loop: .fake(on: loop, bytes: 1 << 30), isTLS: false), eventLoop: loop)
        }.get()
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(writer.value) }
            }
            .connect(to: try #require(listener.localAddress)).get()
        let peer = try await accepted.futureResult.get()
        // In one turn of the loop: no event tells of the reset before the write does.
        try await loop.submit {
            let context = try channel.pipeline.syncOperations.context(handler: writer.value)
            writer.value.writeAll(context, lines: 1)
            #expect(!writer.value.isBroken)
            peer.reset()
            // It is there at once as a rule; a busy machine brings it later.
            let arrived = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self
            ) { socket in
                var watched = pollfd(fd: socket, events: 0, revents: 0)
                return unsafe poll(&watched, 1, 2000)
            }
            #expect(arrived == 1)
            writer.value.writeAll(context, lines: 1)
            #expect(writer.value.isBroken)
        }.get()
        try await channel.closeFuture.get()
        try await listener.close()
    }

    @Test func aBrokenConnectionTakesNothingAndSaysSo() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let listener = try await ServerBootstrap(group: loop).bind(host: "127.0.0.1", port: 0).get()
        let channel = try await ClientBootstrap(group: loop).connect(to: try #require(listener.localAddress)).get()
        let socket = try await loop.submit {
            NIOLoopBound(try #require(DirectSocket(channel)), eventLoop: loop)
        }.get()
        var sent = [try await loop.submit { socket.value.send(ByteBuffer(string: "hello")) }.get()]
        try await channel.close()
        sent.append(try await loop.submit { socket.value.send(ByteBuffer(string: "late")) }.get())
        #expect(sent == [5, 0])
        try await listener.close()
    }
}
