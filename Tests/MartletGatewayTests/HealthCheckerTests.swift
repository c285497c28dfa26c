import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTesting
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite("Health checker")
struct HealthCheckerTests {
    /// Tells of each change as it happens.
    private final class Watcher: PoolObserver {
        let changes: AsyncStream<TargetState>
        private let continuation: AsyncStream<TargetState>.Continuation

        init() { (changes, continuation) = AsyncStream.makeStream() }

        func pool(_ pool: Pool, target: Target, changed change: TargetChange) { continuation.yield(change.to) }
        func pool(_ pool: Pool, emptied target: Target) {}
    }

    private func answer(_ status: Int) -> Upstream.Reply {
        .last("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    }

    private func pool(
        of upstream: Upstream, watcher: Watcher, _ change: (inout HealthPolicy) -> Void = { _ in }
    ) throws -> Pool {
        var policy = PoolPolicy()
        policy.health.interval = .milliseconds(100)
        policy.health.unhealthy = 1
        // On a machine that is busy with other tests an answer may take long: here it is waited for.
        policy.health.timeout = .seconds(50)
        change(&policy.health)
        let pool = Pool(name: "checked", index: 0, policy: policy, observer: watcher)
        pool.add(try .fake(1, address: upstream.address), policy: TargetPolicy(), now: .current)
        return pool
    }

    private func checking(_ pool: Pool, _ body: () async throws -> Void) async throws {
        let resolver = NameResolver()
        let client = HTTPClient(group: .singletonMultiThreadedEventLoopGroup, resolver: resolver)
        let checker = HealthChecker(
            pool: pool, client: client, on: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await checker.run() }
            try await body()
            group.cancelAll()
        }
        resolver.shutdown()
    }

    @Test("a target that fails its check leaves, and is back soon after it recovered", .timeLimit(.minutes(1)))
    func leavesAndReturns() async throws {
        let status = Shared(500)
        let upstream = try await Upstream.start { _ in answer(status.value) }
        let watcher = Watcher()
        let pool = try pool(of: upstream, watcher: watcher)
        try await checking(pool) {
            var changes = watcher.changes.makeAsyncIterator()
            #expect(await changes.next() == .down(.check))
            #expect(!pool.isUsable(now: .current))
            status.value = 200
            #expect(await changes.next()?.reason == nil)
            #expect(pool.isUsable(now: .current))
        }
        try await upstream.stop()
    }

    @Test("asks for the path that is stated, at the address of the target", .timeLimit(.minutes(1)))
    func path() async throws {
        let upstream = try await Upstream.start { _ in answer(200) }
        let pool = try pool(of: upstream, watcher: Watcher()) { $0.path = "/ready?deep=1" }
        try await checking(pool) {
            var requests = upstream.requests.makeAsyncIterator()
            let first = try #require(await requests.next())
            #expect(first.hasPrefix("GET /ready?deep=1 HTTP/1.1\r\n"))
            // A target is asked again only when it is known what came of the check before.
            _ = await requests.next()
        }
        #expect(pool.isUsable(now: .current))
        try await upstream.stop()
    }

    @Test("a target where nobody listens leaves", .timeLimit(.minutes(1)))
    func nobodyListens() async throws {
        let upstream = try await Upstream.start { _ in answer(200) }
        try await upstream.stop()
        let watcher = Watcher()
        let pool = try pool(of: upstream, watcher: watcher) { $0.kind = .tcp }
        try await checking(pool) {
            var changes = watcher.changes.makeAsyncIterator()
            #expect(await changes.next() == .down(.check))
        }
    }

    @Test("`type: off` checks nothing, until a reload turns the checks on", .timeLimit(.minutes(1)))
    func off() async throws {
        let asked = Mutex(0)
        let upstream = try await Upstream.start { _ in
            asked.withLock { $0 += 1 }
            return answer(500)
        }
        let watcher = Watcher()
        let pool = try pool(of: upstream, watcher: watcher) { $0.kind = .off }
        try await checking(pool) {
            // Two rounds of the checker.
            try await Task.sleep(for: .milliseconds(500))
            #expect(asked.withLock { $0 } == 0)
            #expect(pool.isUsable(now: .current))
            var policy = pool.policy
            policy.health.kind = .http
            policy.health.unhealthy = 1
            pool.adopt(policy, now: .current)
            #expect(await watcher.changes.first { _ in true } == .down(.check))
        }
        try await upstream.stop()
    }

    @Test("a pool that is retired is checked no more", .timeLimit(.minutes(1)))
    func retired() async throws {
        let upstream = try await Upstream.start { _ in answer(200) }
        let pool = try pool(of: upstream, watcher: Watcher())
        pool.retire()
        let resolver = NameResolver()
        let client = HTTPClient(group: .singletonMultiThreadedEventLoopGroup, resolver: resolver)
        // Returns by itself.
        await HealthChecker(
            pool: pool, client: client, on: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ).run()
        resolver.shutdown()
        try await upstream.stop()
    }
}
