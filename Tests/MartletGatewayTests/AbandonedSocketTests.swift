import MartletBase
import MartletExchange
import MartletGateway
import MartletNet
import MartletTesting
import NIOCore
import NIOPosix
import Testing

struct AbandonedSocketTests {
    /// A connection that does not close when its peer does.
    private final class Holder: OpenConnection {
        let number: UInt64
        let socket: (any Channel)?
        let exchange: Exchange? = nil
        let isIdleSince: Instant? = nil

        init(_ number: UInt64, _ socket: any Channel) {
            self.number = number
            self.socket = socket
        }

        func drain() {}
        func cut(_ error: MartletError) {}
        func giveUp() {}
    }

    @Test func aSocketThatItsPeerLeftAndWeHoldIsFound() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let (accepted, continuation) = AsyncStream.makeStream(of: (any Channel).self)
        let server = try await ServerBootstrap(group: loop)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                continuation.yield(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let peer = try await ClientBootstrap(group: loop).connect(to: #require(server.localAddress)).get()
        let held = try #require(await accepted.first { _ in true })

        let bench = try await loop.submit {
            let context = LoopContext.fake(on: loop)
            let legs = HTTP1Legs(loop: context)
            let holder = Holder(1, held)
            context.clients.opened(holder)
            let sockets = AbandonedSockets(tolerance: .zero)
            return NIOLoopBound((context: context, legs: legs, sockets: sockets, holder: holder), eventLoop: loop)
        }.get()
        let look = { (suspectsOnly: Bool) in
            try await loop.submit {
                bench.value.sockets.sweep(bench.value.context, bench.value.legs, suspectsOnly: suspectsOnly)
                return bench.value.sockets.found
            }.get()
        }
        let find = { try await look(false) }
        #expect(try await find().isEmpty, "the peer is there")
        try await peer.close()
        var found = try await find()
        while found.isEmpty { found = try await find() }
        #expect(found.first?.side == .client)
        #expect(found.first?.peer.hasPrefix("127.0.0.1:") == true)
        #expect(try await look(true).count == 1, "it is looked at again before all others are")
        // Another connection in the very same place has an age of its own.
        while found.first?.age == .zero { found = try await find() }
        try await loop.submit {
            bench.value.context.clients.closed(bench.value.holder)
            bench.value.context.clients.opened(Holder(2, held))
        }.get()
        #expect(try await look(true).isEmpty, "nobody suspects it yet")
        #expect(try await find().first?.age == .zero)
        try await held.close()
        #expect(try await find().isEmpty)
        try await server.close()
    }
}
