import Dispatch
package import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletStore
import MartletWire
package import NIOCore
import NIOPosix
import Synchronization

/// A running broker: its data, its journal, its listener and its one event loop.
package final class BrokerServer: Sendable {
    /// Where it listens, the port that was picked included.
    package let address: SocketAddress
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let driver: NIOLoopBound<BrokerDriver>
    private let journal: Journal
    private let limits: BrokerLimits
    private let end: EventLoopPromise<Void>
    private let isStopped = Atomic(false)

    private init(
        group: MultiThreadedEventLoopGroup, listener: any Channel, address: SocketAddress,
        driver: NIOLoopBound<BrokerDriver>, journal: Journal, limits: BrokerLimits, end: EventLoopPromise<Void>
    ) {
        self.group = group
        self.listener = listener
        self.address = address
        self.driver = driver
        self.journal = journal
        self.limits = limits
        self.end = end
    }

    /// Reads the data, listens and serves.
    ///
    /// - Throws: what keeps it from that: a folder that is in use or damaged (`JournalError`), an address that is taken
    ///   (`IOError`).
    package static func start(_ settings: BrokerSettings, logger: Logger) async throws -> BrokerServer {
        // Before the data is read, which may take long: an address that is taken is known at once.
        let socket = try ListenSocket.open(on: settings.address)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let (journal, keyspace, hook) = try open(settings.folder, logger: logger)
            do {
                return try await start(
                    settings, on: group, socket: socket, journal: journal, keyspace: keyspace, hook, logger: logger)
            } catch {
                try? journal.close()
                throw error
            }
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// Returns when the broker has stopped. Throws when it cannot go on: the reason.
    package func ended() async throws { try await end.futureResult.get() }

    /// Calls back when the broker has stopped, with the reason when it cannot go on.
    package func onEnd(_ done: @escaping @Sendable ((any Error)?) -> Void) {
        end.futureResult.whenComplete { result in
            if case .failure(let error) = result { done(error) } else { done(nil) }
        }
    }

    /// The numbers of the moment.
    package func figures() async throws -> BrokerFigures {
        let driver = driver
        let reading = try await driver.eventLoop.submit { driver.value.reading() }.get()
        return BrokerFigures(reading, journal.figures)
    }

    /// Takes no more commands, tells what is on its way, makes all durable and closes. Nothing the second time.
    package func stop() async throws {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        try? await listener.close()
        let (driver, limits) = (driver, limits)
        let done = driver.eventLoop.makePromise(of: Void.self)
        driver.eventLoop.execute {
            driver.value.stop { done.succeed() }
            driver.eventLoop.assumeIsolated().scheduleTask(in: .seconds(limits.stopSeconds)) {
                driver.value.cutOff()
            }
        }
        try await done.futureResult.get()
        try await closeJournal()
        end.succeed()
        try await group.shutdownGracefully()
    }

    /// Waits for the disk: on no thread that others need.
    private func closeJournal() async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue(label: "martlet.journal.end").async { [journal] in
                continuation.resume(with: Result { try journal.close() })
            }
        }
    }
}

// MARK: The start

extension BrokerServer {
    private static func open(
        _ folder: String, logger: Logger
    ) throws -> (journal: Journal, keyspace: Keyspace, hook: SyncHook) {
        let hook = SyncHook()
        var keyspace = Keyspace(seed: UInt64(BrokerDriver.now))
        var policy = JournalPolicy()
        // The driver takes no commands long before: what a command changed must not be refused.
        policy.waitingBytes = .max
        let journal = try Journal.open(
            try SystemFiles(folder: folder), policy: policy,
            replay: { try keyspace.replay($0) },
            onSynced: { hook.call($0) },
            onTrouble: { trouble in
                guard let trouble else { return logger.notice("the journal can be written again") }
                logger.error("the journal cannot be written", metadata: ["error": "\(trouble)"])
            })
        for remark in journal.remarks { logger.notice("the journal was mended", metadata: ["remark": "\(remark)"]) }
        return (journal, keyspace, hook)
    }

    private static func start(
        _ settings: BrokerSettings, on group: MultiThreadedEventLoopGroup, socket: CInt, journal: Journal,
        keyspace: Keyspace, _ hook: SyncHook, logger: Logger
    ) async throws -> BrokerServer {
        let loop = group.next()
        var limits = settings.limits
        limits.connections = try connections(limits.connections)
        var facts = BrokerFacts()
        facts.version = settings.version
        facts.maximumClients = limits.connections
        facts.processID = Int(ProcessFacts.id)
        facts.runID = ProcessFacts.runID
        let machine = BrokerMachine(
            keyspace: keyspace, reader: .celery, policy: settings.policy, facts: facts, now: BrokerDriver.now)
        let end = loop.makePromise(of: Void.self)
        let bounds = limits
        let driver = try await loop.submit {
            NIOLoopBound(
                BrokerDriver(
                    machine, journal: journal, limits: bounds, loop: loop, logger: logger,
                    onFailure: { end.fail($0) }), eventLoop: loop)
        }.get()
        hook.set { sequence in loop.execute { driver.value.synced(sequence) } }
        let listener = try await listen(socket, settings, on: group, driver, logger: logger)
        guard let address = listener.localAddress else { throw ChannelError.unknownLocalAddress }
        try await loop.submit { driver.value.begin(port: address.port ?? 0) }.get()
        try await listener.setOption(.autoRead, value: true).get()
        return BrokerServer(
            group: group, listener: listener, address: address, driver: driver, journal: journal, limits: limits,
            end: end)
    }

    private static func listen(
        _ socket: CInt, _ settings: BrokerSettings, on group: MultiThreadedEventLoopGroup,
        _ driver: NIOLoopBound<BrokerDriver>, logger: Logger
    ) async throws -> any Channel {
        let tls = settings.tls
        var limits = RESPLimits()
        // What a worker writes down of a message is longer than the message.
        limits.bulkBytes = 2 * max(settings.policy.maximumMessageBytes, 1 << 20)
        limits.commandBytes = 2 * limits.bulkBytes
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try SocketOptions.standard.apply(to: channel)
                    try ListenSocket.listen(socket)
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptPause { error in
                            logger.error("no connection can be accepted", metadata: ["error": "\(error)"])
                        })
                }
            }
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
            .childChannelInitializer { [limits] channel in
                channel.eventLoop.makeCompletedFuture {
                    try ReadBuffers.apply(to: channel)
                    guard let id = driver.value.nextID() else { throw ChannelError.ioOnClosedChannel }
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls.makeHandler()) }
                    try channel.pipeline.syncOperations.addHandler(
                        BrokerConnection(id, driver: driver.value, limits: limits))
                }
            }
            .withBoundSocket(socket)
            .get()
    }

    /// As many as there are descriptors for, but for the few that the broker needs itself.
    private static func connections(_ wanted: Int) throws -> Int {
        let ownDescriptors = 64
        let limit = try OpenFiles.raise(to: wanted + ownDescriptors)
        return max(1, min(wanted, limit.soft - ownDescriptors))
    }
}
