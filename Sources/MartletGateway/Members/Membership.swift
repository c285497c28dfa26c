package import Logging
package import MartletBase
package import MartletExchange
import MartletLogic
package import MartletNet
package import MartletTelemetry
import NIOCore
import Synchronization

/// Who belongs to which pool: resolves the names of targets, again every few seconds, and takes in what operators and
/// managed backends say. Each address of a name is a target.
package actor Membership {
    /// Where a spec came from, which is what removes it.
    package enum Source: Hashable, Sendable {
        case configuration
        case operatorCommand
        /// One managed process; the number is its own.
        case backend(String, number: Int)
    }

    private struct Entry {
        let id: Int
        let pool: Pool
        var spec: TargetSpec
        var source: Source
        var resolution = ResolutionDiff()
        var targets: [SocketAddress: Target] = [:]
        var isDraining = false
        var isBeingResolved = false
        /// Its first look-up was given up early, so that nobody waited for it: `run` makes good for it soon.
        var isHurried = false
        /// The configuration no longer asks for it; it serves until others of its pool have an address.
        var isOutgoing = false
        var lastError: String?

        func isWhat(_ wanted: Wanted) -> Bool {
            pool === wanted.pool && spec.origin == wanted.spec.origin && spec.version == wanted.spec.version
                && spec.maker === wanted.spec.maker
                && (source == wanted.source || source == .operatorCommand)
        }
    }

    /// The target of a process that has gone and comes back at the same address.
    private struct Drained {
        let pool: Pool
        let origin: Origin
    }

    private static let interval: Duration = .seconds(5)
    /// How often it is seen whether a look-up was given up early.
    private static let glance: Duration = .milliseconds(200)

    private let resolver: NameResolver
    private let labels: LabelRegistry
    private let loops: LoopTable
    private let logger: Logger
    private var entries: [Entry] = [] {
        didSet { hasNames.store(entries.contains { !$0.spec.origin.isLiteral }, ordering: .relaxed) }
    }
    /// Whether there is anything to look up again.
    private let hasNames = Atomic(false)
    /// Out of service by an operator's word, though nobody is there at present.
    private var drained: [Drained] = []
    private var lastEntry = 0
    private var numbers = TargetNumbers()

    package init(resolver: NameResolver, labels: LabelRegistry, loops: LoopTable, logger: Logger) {
        self.resolver = resolver
        self.labels = labels
        self.loops = loops
        self.logger = logger
    }

    /// Adds a spec; its addresses become targets when they are resolved, literal ones at once.
    ///
    /// - Parameter patience: how long this waits for a name; nil: as long as the resolver does. `run` looks on.
    package func add(
        _ spec: TargetSpec, to pool: Pool, source: Source = .configuration, patience: Duration? = nil
    ) async {
        if source == .operatorCommand,
            let index = entries.firstIndex(where: { $0.pool === pool && $0.spec.origin == spec.origin })
        {
            return undrain(index)
        }
        let wasDrained = forgetDrain(of: spec.origin, in: pool)
        let isDraining = wasDrained && source != .operatorCommand
        await join(Wanted(spec, in: pool, source: source), isDraining: isDraining, patience: patience)
    }

    /// Whether a target that was there last at `origin` was drained. Asked once: from now on its entry knows.
    private func forgetDrain(of origin: Origin, in pool: Pool) -> Bool {
        let count = drained.count
        drained.removeAll { $0.pool === pool && $0.origin == origin }
        return drained.count < count
    }

    private func join(_ wanted: Wanted, isDraining: Bool, patience: Duration?) async {
        lastEntry += 1
        entries.append(
            Entry(id: lastEntry, pool: wanted.pool, spec: wanted.spec, source: wanted.source, isDraining: isDraining))
        await resolve(lastEntry, patience: patience)
    }

    /// What was drained takes work again.
    private func undrain(_ index: Int) {
        entries[index].isDraining = false
        for target in entries[index].targets.values { entries[index].pool.undrain(target.id, now: .current) }
    }

    /// Keeps names resolved until the task is cancelled.
    package func run() async {
        // Each by itself: a name that nobody answers for must not hold up the others.
        await withDiscardingTaskGroup { group in
            var next = ContinuousClock.now + Self.interval
            for await _ in loops.watch.finds(every: Self.glance, { [self] in hasNames.load(ordering: .relaxed) }) {
                let isTime = ContinuousClock.now >= next
                if isTime { next = .now + Self.interval }
                for entry in entries where !entry.spec.origin.isLiteral && !entry.isBeingResolved {
                    guard isTime || entry.isHurried else { continue }
                    group.addTask { await self.resolve(entry.id) }
                }
            }
        }
    }

    // MARK: Operators

    /// What became of an operator's command.
    package enum Answer: Sendable, Equatable {
        case done, draining, emptied, unknownTarget
    }

    /// No new requests for `origin` in `pool`.
    package func drain(_ origin: Origin, of pool: Pool) -> Answer {
        let now = Instant.current
        let drained = entries.indices.filter { entries[$0].pool === pool && entries[$0].spec.origin == origin }
        guard !drained.isEmpty else { return .unknownTarget }
        for index in drained { entries[index].isDraining = true }
        let ids = drained.flatMap { entries[$0].targets.values.map(\.id) }
        for id in ids { pool.drain(id, now: now) }
        return ids.allSatisfy { pool.isEmpty($0) } ? .emptied : .draining
    }

    /// Takes `origin` out of `pool`; its requests in flight end first.
    package func remove(_ origin: Origin, of pool: Pool) -> Answer {
        let leaving = entries.filter { $0.pool === pool && $0.spec.origin == origin }
        guard !leaving.isEmpty else { return .unknownTarget }
        entries.removeAll { $0.pool === pool && $0.spec.origin == origin }
        let isEmpty = leaving.flatMap(\.targets.values).map { remove($0, of: pool) }.allSatisfy { $0 }
        return isEmpty ? .emptied : .draining
    }

    /// The rules that a target added to `pool` by an operator gets: those of its first one.
    package func template(of pool: Pool) -> TargetSpec? {
        entries.first { $0.pool === pool && !$0.isOutgoing }?.spec
    }

    /// The version label of `origin` in `pool`; nil when it is not there.
    package func version(of origin: Origin, in pool: Pool) -> String? {
        entries.first { $0.pool === pool && $0.spec.origin == origin }?.spec.version
    }

    /// Everything that came from `source` leaves; answers what it was, for those who wait for its last requests.
    ///
    /// - Parameter isComingBack: whether others will be at the same addresses, such as the next process of a backend
    ///   with a fixed port: what an operator drained is drained then as well.
    @discardableResult
    package func removeAll(from source: Source, isComingBack: Bool = false) -> [(pool: Pool, target: TargetID)] {
        let leaving = entries.filter { $0.source == source }
        if isComingBack {
            drained += leaving.filter(\.isDraining).map { Drained(pool: $0.pool, origin: $0.spec.origin) }
        }
        entries.removeAll { $0.source == source }
        return leaving.flatMap { entry in
            entry.targets.values.map { target in
                _ = remove(target, of: entry.pool)
                return (entry.pool, target.id)
            }
        }
    }

    /// What `maker` stands for takes so many requests at one time from now on. False: it is no target at present.
    package func limit(_ maker: any LegMaker, to count: Int) -> Bool {
        for index in entries.indices where entries[index].spec.maker === maker {
            entries[index].spec.policy.maxInflight = count
            let entry = entries[index]
            for target in entry.targets.values {
                entry.pool.replace(target, policy: entry.spec.policy, now: .current)
            }
        }
        return entries.contains { $0.spec.maker === maker }
    }

    // MARK: Reload

    /// A target that a configuration asks for.
    package struct Wanted: Sendable {
        package var spec: TargetSpec
        package var pool: Pool
        package var source: Source

        package init(_ spec: TargetSpec, in pool: Pool, source: Source = .configuration) {
            self.spec = spec
            self.pool = pool
            self.source = source
        }
    }

    /// Targets that a configuration no longer asks for.
    package struct Leaving: Sendable {
        fileprivate let entries: Set<Int>
    }

    /// These are the targets from now on, with those that operators added to pools that are still there: new ones come,
    /// those that stay keep what is known about them. The others serve until they are dismissed, which must follow.
    ///
    /// One that comes for another of the same address, such as with another version label, is drained where that was:
    /// only the operator who took a server out knows when it can serve again.
    /// - Parameter patience: as in ``add(_:to:source:patience:)``.
    package func bringIn(_ wanted: [Wanted], patience: Duration? = nil) async -> Leaving {
        var rest = wanted
        var leaving: Set<Int> = []
        for entry in entries {
            if let match = rest.firstIndex(where: { entry.isWhat($0) }) {
                keep(entry.id, rest.remove(at: match))
            } else if entry.source != .operatorCommand || entry.pool.isRetired {
                leaving.insert(entry.id)
            }
        }
        drained.removeAll { $0.pool.isRetired }
        await withDiscardingTaskGroup { group in
            for one in rest {
                let wasDrained = forgetDrain(of: one.spec.origin, in: one.pool)
                let isDraining = wasDrained || entries.contains {
                    $0.isDraining && $0.pool === one.pool && $0.spec.origin == one.spec.origin
                }
                group.addTask { await self.join(one, isDraining: isDraining, patience: patience) }
            }
        }
        return Leaving(entries: leaving)
    }

    /// They go: at once, or, where they are all that their pool has while the names of the new ones have no address
    /// yet, once one has. A mistyped name, or a resolver that does not answer, takes no pool down.
    package func dismiss(_ leaving: Leaving) {
        for index in entries.indices where leaving.entries.contains(entries[index].id) {
            entries[index].isOutgoing = true
        }
        for entry in entries where entry.isOutgoing && !letGo(entry) {
            logger.warning(
                "a former target serves on: none of the new ones has an address",
                metadata: ["pool": "\(entry.pool.name)", "target": "\(entry.spec.origin)"])
        }
    }

    /// Takes an outgoing entry out, unless it must serve on.
    private func letGo(_ entry: Entry) -> Bool {
        let heirs = entries.filter { $0.pool === entry.pool && !$0.isOutgoing }
        let isReplaced = heirs.isEmpty || heirs.contains { !$0.targets.isEmpty }
        guard isReplaced || entry.targets.isEmpty || entry.pool.isRetired else { return false }
        entries.removeAll { $0.id == entry.id }
        for target in entry.targets.values { _ = remove(target, of: entry.pool) }
        return true
    }

    /// The target stays, under the rules of `wanted`.
    private func keep(_ id: Int, _ wanted: Wanted) {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return }
        entries[index].spec = wanted.spec
        entries[index].source = wanted.source
        entries[index].isOutgoing = false
        for (address, old) in entries[index].targets {
            let target = Target(id: old.id, url: old.url, address: address, spec: wanted.spec)
            entries[index].targets[address] = target
            wanted.pool.replace(target, policy: wanted.spec.policy, now: .current)
            loops.broadcast { $0.legs?.targetReplaced(by: target) }
        }
    }

    // MARK: Inside

    private func resolve(_ id: Int, patience: Duration? = nil) async {
        guard let place = entries.firstIndex(where: { $0.id == id }) else { return }
        entries[place].isBeingResolved = true
        let entry = entries[place]
        let result: Result<[SocketAddress], any Error>
        do {
            let origin = entry.spec.origin
            let addresses = try await resolver.resolve(host: origin.host, port: origin.port, timeout: patience)
            result = .success(origin.preferred(addresses))
        } catch {
            result = .failure(error)
        }
        // Others may have come and gone while this one was resolved.
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return }
        entries[index].isBeingResolved = false
        entries[index].isHurried = patience != nil && (try? result.get()) == nil
        report(result, index)
        let change = entries[index].resolution.next(result)
        for address in change.removed {
            guard let target = entries[index].targets.removeValue(forKey: address) else { continue }
            _ = remove(target, of: entry.pool)
        }
        for address in change.added { admit(address, index) }
        if !change.added.isEmpty {
            for former in entries where former.isOutgoing && former.pool === entry.pool { _ = letGo(former) }
        }
    }

    private func report(_ result: Result<[SocketAddress], any Error>, _ index: Int) {
        guard case .failure(let error) = result else {
            entries[index].lastError = nil
            return
        }
        let text = "\(error)"
        guard entries[index].lastError != text else { return }
        entries[index].lastError = text
        logger.warning(
            "name not resolved",
            metadata: ["target": "\(entries[index].spec.origin)", "error": "\(text)"])
    }

    private func admit(_ address: SocketAddress, _ index: Int) {
        let entry = entries[index]
        let url =
            if entry.spec.maker != nil {
                entry.spec.makerName
            } else if entry.spec.origin.isLiteral {
                "\(entry.spec.origin)"
            } else {
                "\(entry.spec.origin) (\(address.ipAddress ?? "\(address)"))"
            }
        let id = numbers.number(of: url, version: entry.spec.version, in: entry.pool)
        let target = Target(id: id, url: url, address: address, spec: entry.spec)
        entries[index].targets[address] = target
        labels.register(id, .init(pool: entry.pool.name, url: url, version: entry.spec.version))
        entry.pool.add(target, policy: entry.spec.policy, now: .current)
        if entry.isDraining { entry.pool.drain(id, now: .current) }
        logger.info("target added", metadata: ["pool": "\(entry.pool.name)", "target": "\(url)"])
    }

    private func remove(_ target: Target, of pool: Pool) -> Bool {
        let isEmpty = pool.remove(target.id, now: .current)
        loops.broadcast { $0.legs?.targetRemoved(target.id) }
        for id in numbers.left(target, pool) {
            labels.forget(id)
            loops.broadcast { $0.meter.forget(id) }
        }
        logger.info("target removed", metadata: ["pool": "\(pool.name)", "target": "\(target.url)"])
        return isEmpty
    }
}

extension Target {
    fileprivate convenience init(id: TargetID, url: String, address: SocketAddress, spec: TargetSpec) {
        self.init(
            id: id, url: url, place: spec.maker.map { .maker($0) } ?? .address(address), origin: spec.origin,
            tls: spec.tls, authority: spec.authority, edits: spec.edits, version: spec.version,
            keepAlive: spec.keepAlive)
    }
}

extension Origin {
    /// An address, not a name: it means the same tomorrow.
    var isLiteral: Bool { SocketAddress.literal(host, port: port) != nil }

    /// `localhost` is one machine, not two: its IPv6 address counts only where there is no other.
    func preferred(_ addresses: [SocketAddress]) -> [SocketAddress] {
        let v4 = addresses.filter { $0.protocol == .inet }
        return host == "localhost" && !v4.isEmpty ? v4 : addresses
    }
}
