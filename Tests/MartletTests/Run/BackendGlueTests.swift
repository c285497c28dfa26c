import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletTesting
import MartletWorkers
import NIOCore
import NIOPosix
import Testing

@testable import Martlet

@Suite("Managed backends become targets")
struct BackendGlueTests {
    private let pool: Pool
    /// The backend is a target of this one as well.
    private let other: Pool
    private let membership: Membership
    private let resolver: NameResolver
    private let targets: [String: [Plan.BackendTarget]]
    private let glue: BackendGlue

    init() throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let loops = LoopTable(
            group: .singletonMultiThreadedEventLoopGroup,
            contexts: [try loop.submit { NIOLoopBound(.fake(on: loop), eventLoop: loop) }.wait()])
        pool = try .fake(count: 0, now: .current)
        other = try .fake("other", index: 1, count: 0, now: .current)
        resolver = NameResolver { _ in [try SocketAddress(ipAddress: "192.0.2.1", port: 0)] }
        membership = Membership(
            resolver: resolver, labels: LabelRegistry(), loops: loops,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let text = "{pools: {main: {targets: [{backend: demo}]}}, backends: {demo: {command: [serve, \"{port}\"]}}}"
        let problems = ProblemList(file: "martlet.yaml")
        let root = try #require(YAMLReader.read(text, environment: [:], problems: problems))
        let settings = try #require(try Configuration.decode(root, [:], problems).pools.first?.targets.first)
        targets = ["demo": [pool, other].map { .init(pool: $0, kind: .server(settings, UpstreamKeepAlive())) }]
        glue = BackendGlue(targets: targets, membership: membership)
    }

    private func running(_ body: () async -> Void) async {
        async let _ = glue.run()
        await body()
        resolver.shutdown()
    }

    private func reload() async {
        let named = TargetSpec(origin: Origin(host: "models", port: 8000), authority: nil)
        await membership.dismiss(await glue.adopt(targets, besides: [Membership.Wanted(named, in: pool)]))
    }

    private var ports: [Int] { ports(of: pool) }

    private func ports(of pool: Pool) -> [Int] { pool.targets.compactMap { $0.address?.port }.sorted() }

    private func identity(_ instance: Int, _ number: Int = 1) -> BackendIdentity {
        BackendIdentity(backend: "demo", instance: instance, number: number)
    }

    @Test("what gets ready during a reload is neither lost nor there twice")
    func reloads() async {
        await running {
            await reload()
            for round in 0..<200 {
                let instances = (0..<8).map { identity($0, round * 8 + $0) }
                await duringReloads {
                    for (index, one) in instances.enumerated() { glue.announce(.ready(one, port: 9000 + index)) }
                }
                #expect(ports == [8000] + Array(9000..<9008), "round \(round)")
                #expect(ports(of: other) == Array(9000..<9008), "round \(round)")
                await duringReloads {
                    for (index, one) in instances.enumerated() {
                        glue.announce(.gone(one, port: 9000 + index, reason: .stopped))
                    }
                }
                #expect(ports == [8000], "round \(round)")
                #expect(ports(of: other) == [], "round \(round)")
            }
        }
    }

    /// Announces while there are reloads, and returns when all of it is taken in.
    private func duringReloads(_ announce: @escaping @Sendable () async -> Void) async {
        async let announced: Void = announce()
        for _ in 0..<3 { await reload() }
        await announced
        await settled()
    }

    @Test("a former instance leaves after its successor came")
    func succession() async {
        await running {
            glue.announce(.ready(identity(0, 1), port: 9001))
            glue.announce(.ready(identity(0, 2), port: 9002))
            await glue.letGo(identity(0, 1), within: .seconds(10))
            #expect(ports == [9002])
            glue.announce(.gone(identity(0, 1), port: 9001, reason: .stopped))
            await reload()
            #expect(ports == [8000, 9002])
        }
    }

    @Test("a pool waits for targets while one of its backends is on its way")
    func expectation() async {
        await running {
            #expect(!Self.waits(pool))
            glue.announce(.hopeful(["demo", "other"]))
            await reload()
            #expect(!Self.waits(pool), "the named one serves")
            await membership.dismiss(await glue.adopt(targets, besides: []))
            #expect(Self.waits(pool))
            await membership.dismiss(await glue.adopt([:], besides: []))
            #expect(!Self.waits(pool), "no backend leads here any more")
            await membership.dismiss(await glue.adopt(targets, besides: []))
            glue.announce(.hopeful(["other"]))
            await glue.letGo(identity(7), within: .zero)
            #expect(!Self.waits(pool))
        }
    }

    @Test("a backend that has come is not on its way: nobody waits for what an operator took out")
    func takenOut() async {
        await running {
            glue.announce(.hopeful(["demo"]))
            glue.announce(.ready(identity(0), port: 9001))
            await settled()
            _ = await membership.drain(Origin(host: "127.0.0.1", port: 9001), of: pool)
            #expect(!Self.waits(pool))
            _ = await membership.remove(Origin(host: "127.0.0.1", port: 9001), of: pool)
            #expect(!Self.waits(pool))
            glue.announce(.gone(identity(0), port: 9001, reason: .stopped))
            await settled()
            #expect(Self.waits(pool), "it is started again")
        }
    }

    @Test("who waits for a backend is told once it is not to come any more")
    func givenUp() async {
        await running {
            glue.announce(.hopeful(["demo"]))
            await settled()
            let exchange = Self.exchange(pool)
            let request = PickRequest(waiter: WaiterID(1), deadline: .never)
            guard case .queued = pool.pick(request, for: exchange, now: .current) else {
                Issue.record("it does not wait")
                return
            }
            glue.announce(.hopeful([]))
            await settled()
            #expect(pool.isAtRest)
            #expect(!Self.waits(pool))
        }
    }

    /// A farewell to nobody: what was announced before is taken in.
    private func settled() async { await glue.letGo(identity(99, -1), within: .zero) }

    /// Whether a request would wait.
    private static func waits(_ pool: Pool) -> Bool {
        let request = PickRequest(waiter: WaiterID(1), deadline: .never)
        switch pool.pick(request, for: exchange(pool), now: .current) {
        case .queued:
            _ = pool.leave(WaiterID(1), now: .current)
            return true
        case .target(let target):
            pool.release(target, .neutral, now: .current)
            return false
        case .refused:
            return false
        }
    }

    private static func exchange(_ pool: Pool) -> Exchange {
        Exchange(
            context: ManualLoop().context, route: .fake(.pool(pool)), front: FakeFront(), request: .fake(.fake()),
            caller: CallerFacts(), now: .current)
    }

    @Test("after the server's end nobody waits for an answer")
    func ending() async {
        await running {}
        await glue.letGo(identity(0), within: .seconds(10))
        await reload()
    }
}
