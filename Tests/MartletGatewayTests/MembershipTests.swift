import Glibc
import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletTesting
import NIOCore
import NIOPosix
import Testing

@Suite("Membership")
struct MembershipTests {
    private let pool: Pool
    private let names = Shared<[String: [String]]>([:])
    private let membership: Membership
    private let resolver: NameResolver
    private let labels = LabelRegistry()
    private let loops: LoopTable

    init() throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        loops = LoopTable(
            group: .singletonMultiThreadedEventLoopGroup,
            contexts: [try loop.submit { NIOLoopBound(.fake(on: loop), eventLoop: loop) }.wait()])
        pool = try .fake(count: 0, now: .current)
        let names = self.names
        resolver = NameResolver { host in
            try (names.value[host] ?? []).map { try SocketAddress(ipAddress: $0, port: 0) }
        }
        membership = Membership(
            resolver: resolver, labels: labels, loops: loops,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func spec(_ host: String, port: Int = 8000) -> TargetSpec {
        TargetSpec(origin: Origin(host: host, port: port), authority: nil)
    }

    private var addresses: [String] { pool.targets.compactMap { $0.address?.ipAddress } }

    private func states() -> [TargetState] { pool.status(now: .current).targets.map(\.state) }

    @Test("every address of a name is a target, a literal is one at once")
    func addresses() async {
        names.value = ["models": ["10.0.0.2", "10.0.0.1"]]
        await membership.add(spec("models"), to: pool)
        await membership.add(spec("10.0.0.9"), to: pool)
        #expect(addresses == ["10.0.0.1", "10.0.0.2", "10.0.0.9"])
        #expect(pool.targets.allSatisfy { $0.address?.port == 8000 })
        #expect(Set(pool.targets.map(\.id)).count == 3)
        resolver.shutdown()
    }

    @Test("names are looked up again and again: addresses come and go without a reload", .timeLimit(.minutes(1)))
    func namesChange() async throws {
        names.value = ["models": ["10.0.0.1", "10.0.0.2"]]
        await membership.add(spec("models"), to: pool)
        #expect(addresses == ["10.0.0.1", "10.0.0.2"])
        let running = Task { [membership] in await membership.run() }
        names.value = ["models": ["10.0.0.2", "10.0.0.3"]]
        let start = ContinuousClock.now
        // An address goes when the second answer in a row lacks it.
        while addresses != ["10.0.0.2", "10.0.0.3"], ContinuousClock.now - start < .seconds(40) {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(addresses == ["10.0.0.2", "10.0.0.3"])
        running.cancel()
        await running.value
        resolver.shutdown()
    }

    @Test("a resolver that hangs keeps nobody waiting who has patience for a moment only", .timeLimit(.minutes(1)))
    func hangingResolver() async throws {
        let isDead = Shared(true)
        // Who waits for its answer waits beyond the limit of this test.
        let slow = NameResolver(timeout: .seconds(3600)) { _ in
            while isDead.value { usleep(10_000) }
            return [try SocketAddress(ipAddress: "10.0.0.1", port: 0)]
        }
        let membership = Membership(
            resolver: slow, labels: labels, loops: loops,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let wanted = ["models", "10.0.0.9"].map { Membership.Wanted(spec($0), in: pool) }
        let leaving = await membership.bringIn(wanted, patience: .milliseconds(50))
        await membership.dismiss(leaving)
        #expect(addresses == ["10.0.0.9"])
        // The name is looked up on, and joins once somebody answers.
        let running = Task { await membership.run() }
        isDead.value = false
        while addresses.count < 2 { try await Task.sleep(for: .milliseconds(10)) }
        running.cancel()
        await running.value
        slow.shutdown()
        resolver.shutdown()
    }

    @Test("former targets serve on until one of the new ones has an address", .timeLimit(.minutes(1)))
    func mistypedName() async throws {
        await membership.add(spec("10.0.0.1"), to: pool)
        let reload = { (hosts: [String]) in
            let wanted = hosts.map { Membership.Wanted(spec($0), in: pool) }
            await membership.dismiss(await membership.bringIn(wanted, patience: .milliseconds(50)))
        }
        await reload(["modles"])
        #expect(addresses == ["10.0.0.1"])
        await reload(["models"])
        #expect(addresses == ["10.0.0.1"], "the name before has nothing to serve with either")
        names.value = ["models": ["10.0.0.2"]]
        let running = Task { [membership] in await membership.run() }
        while addresses != ["10.0.0.2"] { try await Task.sleep(for: .milliseconds(10)) }
        running.cancel()
        await running.value
        await reload(["modles", "10.0.0.3"])
        #expect(addresses == ["10.0.0.3"], "one of the new ones is enough")
        await reload(["modles"])
        await reload(["10.0.0.3"])
        #expect(addresses == ["10.0.0.3"])
        await reload([])
        #expect(addresses.isEmpty, "nobody is to come")
        resolver.shutdown()
    }

    @Test("what an operator drained is drained when its process is back at the same address")
    func drainOutlivesAProcess() async {
        let origin = Origin(host: "10.0.0.9", port: 8000)
        for number in 0..<3 {
            await membership.add(spec("10.0.0.9"), to: pool, source: .backend("demo", number: number))
            if number == 0 { #expect(await membership.drain(origin, of: pool) == .emptied) }
            #expect(states() == [.down(.draining)])
            await membership.removeAll(from: .backend("demo", number: number), isComingBack: true)
        }
        await membership.add(spec("10.0.0.9"), to: pool, source: .backend("demo", number: 3))
        await membership.add(spec("10.0.0.9"), to: pool, source: .operatorCommand)
        #expect(states() == [.up])
        await membership.removeAll(from: .backend("demo", number: 3), isComingBack: true)
        await membership.add(spec("10.0.0.9"), to: pool, source: .backend("demo", number: 4))
        #expect(states() == [.up], "taken back into service")
        _ = await membership.drain(origin, of: pool)
        await membership.removeAll(from: .backend("demo", number: 4))
        await membership.add(spec("10.0.0.9"), to: pool, source: .backend("demo", number: 5))
        #expect(states() == [.up], "another process that happens to be there")
        resolver.shutdown()
    }

    @Test("a name without an address adds nothing, and harms nobody")
    func unknownName() async {
        await membership.add(spec("nowhere"), to: pool)
        #expect(addresses.isEmpty)
        await membership.add(spec("10.0.0.9"), to: pool)
        #expect(addresses == ["10.0.0.9"])
        resolver.shutdown()
    }

    @Test("draining stops new work, and adding again ends it")
    func drain() async {
        await membership.add(spec("10.0.0.9"), to: pool)
        #expect(await membership.drain(Origin(host: "10.0.0.9", port: 8000), of: pool) == .emptied)
        #expect(states() == [.down(.draining)])
        await membership.add(spec("10.0.0.9"), to: pool, source: .operatorCommand)
        #expect(states() == [.up])
        #expect(addresses.count == 1)
        resolver.shutdown()
    }

    @Test("a target that holds requests drains, and says when it is empty")
    func drainsWithRequests() async throws {
        await membership.add(spec("10.0.0.9"), to: pool)
        // The test holds a place as a request would.
        let target = try #require(pool.targets.first)
        let origin = Origin(host: "10.0.0.9", port: 8000)
        try Self.takePlace(in: pool)
        #expect(await membership.drain(origin, of: pool) == .draining)
        #expect(await membership.remove(origin, of: pool) == .draining)
        #expect(!pool.isEmpty(target.id))
        pool.release(target, .success, now: .current)
        #expect(pool.targets.isEmpty)
        #expect(await membership.remove(origin, of: pool) == .unknownTarget)
        resolver.shutdown()
    }

    private static func takePlace(in pool: Pool) throws {
        let manual = ManualLoop()
        let exchange = Exchange(
            context: manual.context, route: .fake(.pool(pool)), front: FakeFront(), request: .fake(.fake()),
            caller: CallerFacts(), now: .current)
        let request = PickRequest(waiter: WaiterID(1), deadline: .never)
        guard case .target = pool.pick(request, for: exchange, now: .current) else {
            throw MartletError(.noTarget)
        }
    }

    /// A configuration that asks for `host` under `version`, put in force.
    private func reload(_ host: String, version: String) async {
        var spec = spec(host)
        spec.version = version
        await membership.dismiss(await membership.bringIn([Membership.Wanted(spec, in: pool)]))
    }

    @Test("what was drained by hand stays so, whatever a reload says about it", arguments: ["10.0.0.9", "models"])
    func drainOutlivesReloads(host: String) async {
        names.value = ["models": ["10.0.0.9"]]
        let origin = Origin(host: host, port: 8000)
        await reload(host, version: "v1")
        #expect(states() == [.up])
        #expect(await membership.drain(origin, of: pool) == .emptied)
        for version in ["v1", "v2", "v1", ""] {
            await reload(host, version: version)
            #expect(states() == [.down(.draining)], "version \(version)")
            #expect(await membership.version(of: origin, in: pool) == version)
        }
        await membership.add(spec(host), to: pool, source: .operatorCommand)
        await reload(host, version: "v3")
        #expect(states() == [.up], "it was taken back in by hand")
        resolver.shutdown()
    }

    @Test("what has no address yet can be drained, and comes drained")
    func drainBeforeAnAddress() async {
        await reload("models", version: "v1")
        #expect(await membership.drain(Origin(host: "models", port: 8000), of: pool) == .emptied)
        names.value = ["models": ["10.0.0.9"]]
        await reload("models", version: "v2")
        #expect(states() == [.down(.draining)])
        resolver.shutdown()
    }

    @Test("what is not there cannot be drained or removed")
    func unknownTarget() async {
        let origin = Origin(host: "10.0.0.9", port: 8000)
        #expect(await membership.drain(origin, of: pool) == .unknownTarget)
        #expect(await membership.remove(origin, of: pool) == .unknownTarget)
        resolver.shutdown()
    }

    @Test("what a backend brought leaves with it, the rest stays")
    func source() async {
        await membership.add(spec("10.0.0.1"), to: pool)
        await membership.add(spec("10.0.0.2"), to: pool, source: .backend("demo", number: 0))
        await membership.add(spec("10.0.0.3"), to: pool, source: .backend("demo", number: 1))
        await membership.removeAll(from: .backend("demo", number: 0))
        #expect(addresses == ["10.0.0.1", "10.0.0.3"])
        resolver.shutdown()
    }

    /// One request of each target there is, in the books.
    private func serve() async throws {
        let ids = pool.targets.map(\.id)
        _ = try await loops.map { loop in
            for id in ids {
                var record = RequestRecord()
                record.target = id
                record.status = 200
                let slot = loop.meter.attempt(at: id)
                loop.meter.connected(slot, nanoseconds: 1)
                loop.meter.record(record)
            }
        }
    }

    private func page() async throws -> String {
        let totals = MeterTotals(try await loops.map { $0.meter.snapshot() })
        let build = Readings.Build(version: "1", commit: "c")
        return Exposition.text(totals: totals, labels: labels, readings: Readings(build: build))
    }

    @Test("a name whose addresses keep changing does not make the metrics grow for ever")
    func changingAddresses() async throws {
        var longest = 0
        for number in 0..<1000 {
            let origin = Origin(host: "10.0.\(number / 250).\(number % 250 + 1)", port: 8000)
            await membership.add(spec(origin.host), to: pool)
            try await serve()
            if number == 100 { longest = try await page().utf8.count }
            #expect(await membership.remove(origin, of: pool) == .emptied)
        }
        let last = try await page()
        #expect(last.utf8.count < longest + longest / 10)
        #expect(last.contains("http://10.0.3.250:8000"), "what left last can still be read")
        #expect(!last.contains("http://10.0.0.1:8000"))
        resolver.shutdown()
    }

    @Test("an address that comes back soon is counted on, one that holds a request is never forgotten")
    func remembersTargets() async throws {
        await membership.add(spec("10.1.0.1"), to: pool)
        let first = try #require(pool.targets.first)
        try Self.takePlace(in: pool)
        let origin = { Origin(host: $0, port: 8000) }
        #expect(await membership.remove(origin("10.1.0.1"), of: pool) == .draining)
        await membership.add(spec("10.1.0.2"), to: pool)
        let second = try #require(pool.targets.last)
        #expect(await membership.remove(origin("10.1.0.2"), of: pool) == .emptied)
        await membership.add(spec("10.1.0.2"), to: pool)
        #expect(pool.targets.last?.id == second.id)
        for number in 1...200 {
            await membership.add(spec("10.2.0.\(number)"), to: pool)
            #expect(await membership.remove(origin("10.2.0.\(number)"), of: pool) == .emptied)
        }
        #expect(labels.target(first.id)?.url == "http://10.1.0.1:8000")
        pool.release(first, .success, now: .current)
        await membership.add(spec("10.2.0.1"), to: pool)
        _ = await membership.remove(origin("10.2.0.1"), of: pool)
        #expect(labels.target(first.id) == nil)
        resolver.shutdown()
    }
}
