import Dispatch
import MartletBase
import NIOCore
import Synchronization
import Testing

@testable import MartletNet

@Suite(.timeLimit(.minutes(1))) struct NameResolverTests {
    @Test(arguments: ["127.0.0.1", "::1", "2001:db8::1"])
    func answersLiteralsWithoutALookup(literal: String) async throws {
        let resolver = NameResolver { _ in throw Unexpected() }
        let found = try await resolver.resolve(host: literal, port: 8000)
        resolver.shutdown()
        #expect(found == [try SocketAddress(ipAddress: literal, port: 8000)])
    }

    @Test func findsLocalhost() async throws {
        let resolver = NameResolver()
        let found = try await resolver.resolve(host: "localhost", port: 8000)
        resolver.shutdown()
        #expect(found.contains(try SocketAddress(ipAddress: "127.0.0.1", port: 8000)))
        #expect(found.allSatisfy { $0.isLoopback && $0.port == 8000 })
        #expect(Set(found).count == found.count)
    }

    @Test func saysWhichNameIsUnknown() async throws {
        let resolver = NameResolver(timeout: .seconds(30))
        await #expect { try await resolver.resolve(host: "no-such-host.invalid", port: 80) } throws: { error in
            guard let error = error as? MartletError else { return false }
            return error.code == .connectFailed && error.operation == "resolve no-such-host.invalid"
                && !error.cause.isEmpty
        }
        resolver.shutdown()
    }

    @Test func keepsOneOrderWhateverDNSDeals() async throws {
        let addresses = try ["2001:db8::2", "10.0.0.9", "10.0.0.1", "10.0.0.9", "2001:db8::1"]
            .map { try SocketAddress(ipAddress: $0, port: 1) }
        for shuffled in [addresses, addresses.reversed(), addresses.shuffled()] {
            let resolver = NameResolver { _ in shuffled }
            let found = try await resolver.resolve(host: "a", port: 1).compactMap(\.ipAddress)
            resolver.shutdown()
            #expect(found == ["10.0.0.1", "10.0.0.9", "2001:db8::1", "2001:db8::2"])
        }
    }

    @Test(arguments: [("", 80), ("a\0b", 80), ("a", -1), ("a", 65_536), (String(repeating: "a", count: 254), 80)])
    func refusesWhatIsNoName(host: String, port: Int) async {
        let resolver = NameResolver { _ in throw Unexpected() }
        await #expect(throws: MartletError.self) { try await resolver.resolve(host: host, port: port) }
        resolver.shutdown()
    }

    @Test func aHangingLookupDoesNotHoldItsCaller() async throws {
        let gate = Gate()
        let resolver = NameResolver(timeout: .milliseconds(20), threads: 1) { _ in gate.hold(); return [] }
        await #expect { try await resolver.resolve(host: "slow", port: 80) } throws: {
            ($0 as? MartletError)?.code == .connectTimeout
        }
        // The thread is still in the first lookup, so the second never begins and is dropped.
        await #expect(throws: MartletError.self) { try await resolver.resolve(host: "slow", port: 80) }
        gate.open()
        resolver.shutdown()
        #expect(gate.visits == 1)
    }

    /// One name server that hangs must not stop the lookups of other hosts, however many ports it is wanted for.
    @Test func aHangingHostHoldsOneThreadWhateverItsPorts() async throws {
        let gate = Gate()
        let address = try SocketAddress(ipAddress: "192.0.2.1", port: 0)
        let resolver = NameResolver(timeout: .seconds(50), threads: 2) { host in
            if host == "slow" { gate.hold() }
            return [address]
        }
        try await withThrowingTaskGroup(of: Int?.self) { group in
            for port in 1...9 { group.addTask { try await resolver.resolve(host: "slow", port: port).first?.port } }
            await gate.entered()
            let quick = try await resolver.resolve(host: "quick", port: 80)
            #expect(quick.map(\.port) == [80])
            gate.open()
            let ports = try await group.reduce(into: Set<Int?>()) { $0.insert($1) }
            #expect(ports == Set(1...9), "each caller is given its own port")
        }
        resolver.shutdown()
        #expect(gate.visits <= 2, "nine callers, one lookup, or one more for those who came after it")
    }

    @Test func cancellationEndsTheWait() async throws {
        let gate = Gate()
        let resolver = NameResolver(timeout: .seconds(50), threads: 1) { _ in gate.hold(); return [] }
        let waiting = Task { try await resolver.resolve(host: "slow", port: 80) }
        await gate.entered()
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        gate.open()
        resolver.shutdown()
    }

    @Test func refusesAfterShutdown() async throws {
        let resolver = NameResolver { _ in [] }
        resolver.shutdown()
        await #expect(throws: CancellationError.self) { try await resolver.resolve(host: "a", port: 80) }
    }
}

private struct Unexpected: Error {}

/// Holds the threads that come to it until it is opened.
private final class Gate: Sendable {
    private let barrier = DispatchSemaphore(value: 0)
    private let visitors = AsyncStream.makeStream(of: Void.self)
    private let count = Mutex(0)

    var visits: Int { count.withLock { $0 } }

    func hold() {
        count.withLock { $0 += 1 }
        visitors.continuation.yield()
        barrier.wait()
    }

    func entered() async {
        for await _ in visitors.stream { return }
    }

    /// Lets any number of visitors through that these tests could send.
    func open() {
        for _ in 0..<4 { barrier.signal() }
    }
}
