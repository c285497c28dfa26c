import Glibc
import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletTesting
import MartletWire
import NIOCore
import NIOPosix
import Testing

@Suite("Listener")
struct ListenerTests {
    @Test("connections are counted in and out once, whole answers or broken ones", arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    ])
    func countsConnections(answer: String) async throws {
        let upstream = try await Upstream.start { _ in .last(answer) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let context = try await loop.submit {
            let context = LoopContext.fake(on: loop)
            context.legs = HTTP1Legs(loop: context)
            return NIOLoopBound(context, eventLoop: loop)
        }.get()
        let pool = try Pool.fake(count: 0, now: .current)
        pool.add(try .fake(1, address: upstream.address), policy: TargetPolicy(), now: .current)
        let listener = try await Listener.open(
            try ListenSocket.open(on: try SocketAddress(ipAddress: "127.0.0.1", port: 0)),
            site: Site(Site.Served(Router([.fake(.pool(pool))]))), loops: LoopTable(group: group, contexts: [context]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

        await listener.accept()
        let backlog = try await listener.channel.eventLoop.submit { try Self.backlog(of: listener.channel) }.get()
        #expect(backlog == Int(ListenBacklog.fromKernel()))

        let resolver = NameResolver()
        let client = HTTPClient(group: .singletonMultiThreadedEventLoopGroup, resolver: resolver)
        let url = try HTTPURL("http://127.0.0.1:\(listener.address.port ?? 0)/")
        let reply = try? await client.request(.get, url, timeout: .seconds(5), maxBody: 100)
        #expect((reply != nil) == answer.contains("Content-Length: 2"))
        await listener.close()
        // What the end of the connection leaves to a later turn of the loop comes before this.
        let open = try await loop.submit {
            context.value.legs?.targetRemoved(TargetID(1))
            return MeterTotals([context.value.meter.snapshot()]).connections(.client)
        }.get()
        #expect(open == 0)
        try await upstream.stop()
        resolver.shutdown()
        try await group.shutdownGracefully()
    }

    /// How many connections may wait to be accepted: the kernel shows it in `TCP_INFO` of a listening socket.
    private static func backlog(of channel: any Channel) throws -> Int {
        let found = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { descriptor in
            var info = tcp_info()
            var size = socklen_t(MemoryLayout<tcp_info>.size)
            // SAFETY: the kernel writes at most `size` bytes, the size of the structure it is given.
            let result = unsafe getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &info, &size)
            #expect(result == 0)
            return Int(info.tcpi_sacked)
        }
        return try #require(found)
    }
}
