import Glibc
import MartletNet
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A process without descriptors waits before it tries to accept again.
@Suite(.timeLimit(.minutes(1))) struct AcceptPauseTests {
    /// A listener, and what its pause says.
    private func listener() async throws -> (channel: any Channel, said: Count) {
        let said = Count()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause { _ in said.add() })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return (channel, said)
    }

    private func reads(_ channel: any Channel) async throws -> Bool {
        try await channel.getOption(.autoRead).get()
    }

    @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM])
    func aShortageStopsAcceptingForAMoment(code: CInt) async throws {
        let (channel, said) = try await listener()
        let readsOn = try await channel.eventLoop.submit {
            for _ in 0..<100 {
                channel.pipeline.syncOperations.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
            }
            return try channel.syncOptions?.getOption(.autoRead)
        }.get()
        #expect(readsOn == false)
        #expect(said.count == 1, "one word a second says it as well")
        let end = ContinuousClock.now + .seconds(10)
        while try await !reads(channel), .now < end { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await reads(channel))
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(to: try #require(channel.localAddress)).get()
        try await client.close()
        try await channel.close()
    }

    @Test func otherErrorsDoNotConcernIt() async throws {
        let (channel, said) = try await listener()
        channel.pipeline.fireErrorCaught(IOError(errnoCode: ECONNABORTED, reason: "accept"))
        #expect(try await reads(channel) && said.count == 0)
        try await channel.close()
    }
}

/// Counts calls from any thread.
private final class Count: Sendable {
    private let value = Atomic(0)

    var count: Int { value.load(ordering: .relaxed) }
    func add() { value.add(1, ordering: .relaxed) }
}
