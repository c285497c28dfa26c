import Logging
import MartletLogic
import MartletNet
import MartletStore
import MartletWire
import NIOCore

/// Carries out what the broker's machine decides. Confined to one event loop.
final class BrokerDriver {
    let limits: BrokerLimits
    private let loop: any EventLoop
    private let journal: Journal
    private let logger: Logger
    private var machine: BrokerMachine
    private var connections: [ClientID: BrokerConnection] = [:]
    private var lastID: Int64 = 0
    private var record = MutationRecord()
    /// The last record; replies wait for it.
    private var appended: UInt64
    private var durable: UInt64
    /// Up to there the journal was asked not to wait for more.
    private var hurried: UInt64 = 0
    /// Who has replies that wait, by the record they wait for.
    private var waiting: [(sequence: UInt64, client: ClientID)] = []
    /// Who was told something in this turn.
    private var told: Set<ClientID> = []
    /// Whose commands wait until something gets better.
    private var heldUp: Set<ClientID> = []
    private var timer: (scheduled: Scheduled<Void>, at: Int64)?
    private var snapshots: Snapshots
    /// A snapshot failed: until then no other one is tried, in milliseconds since 1970.
    private var nextSnapshot: Int64 = 0
    private var isStopping = false
    private var onEmpty: (() -> Void)?
    /// A change could not be written down: called once, and nothing is told any more.
    private let onFailure: (JournalError) -> Void

    init(
        _ machine: BrokerMachine, journal: Journal, limits: BrokerLimits, loop: any EventLoop, logger: Logger,
        onFailure: @escaping (JournalError) -> Void
    ) {
        self.onFailure = onFailure
        self.machine = machine
        self.journal = journal
        self.limits = limits
        self.loop = loop
        self.logger = logger
        appended = journal.last
        durable = journal.durable
        snapshots = Snapshots(journal, logger: logger, threshold: limits.journalBytesBeforeSnapshot)
    }

    /// What the machine put right at the start is written down.
    func begin(port: Int) {
        machine.facts.port = port
        carryOut()
        endOfTurn()
    }

    // MARK: Connections

    /// nil: there are too many.
    func nextID() -> ClientID? {
        guard connections.count < limits.connections, !isStopping else { return nil }
        lastID += 1
        return ClientID(lastID)
    }

    func opened(_ connection: BrokerConnection, address: String, local: String) {
        connections[connection.id] = connection
        machine.opened(connection.id, address: address, localAddress: local, now: Self.now)
        carryOut()
    }

    func closed(_ connection: BrokerConnection) {
        guard connections.removeValue(forKey: connection.id) != nil else { return }
        heldUp.remove(connection.id)
        // Not its worker's death, but our end: what the worker has taken stays its own.
        if !isStopping { machine.closed(connection.id, now: Self.now) }
        carryOut()
        endOfTurn()
        if connections.isEmpty {
            onEmpty?()
            onEmpty = nil
        }
    }

    func command(_ connection: BrokerConnection, _ words: [Bytes]) {
        machine.command(connection.id, words, now: Self.now)
        carryOut()
    }

    /// Answers what is no command, and ends the connection.
    func refuse(_ connection: BrokerConnection, _ message: String) {
        connection.tell(appended) { RESPWriter(.two).error(message, into: &$0) }
        told.insert(connection.id)
        connection.close()
    }

    func isAuthenticated(_ id: ClientID) -> Bool { machine.isAuthenticated(id) }

    func isBlocked(_ id: ClientID) -> Bool { machine.isBlocked(id) }

    /// The journal has so much to write that nobody may bring more.
    var isBehind: Bool { isStopping || journal.waitingBytes > limits.journalBytes }

    /// The connection's commands wait.
    func isHeldUp(_ connection: BrokerConnection) { heldUp.insert(connection.id) }

    // MARK: Turns

    /// All that came in this turn of the loop is done: whoever was told something is sent what is durable.
    func endOfTurn() {
        var mustHurry = false
        while let id = told.popFirst() {
            guard connections[id]?.flush(durable: durable) == true else { continue }
            waiting.append((appended, id))
            mustHurry = true
        }
        // Nobody waits for what was only popped, written down as taken or acknowledged: it goes with what counts.
        if mustHurry, hurried < appended {
            hurried = appended
            journal.hurry()
        }
        setTimer()
    }

    /// The journal made records durable.
    func synced(_ sequence: UInt64) {
        durable = max(durable, sequence)
        let ready = waiting.prefix { $0.sequence <= durable }
        waiting.removeFirst(ready.count)
        for (_, id) in ready { told.insert(id) }
        machine.facts.journal = journal.figures.facts
        if !isBehind {
            let held = heldUp
            heldUp = []
            for id in held { connections[id]?.takeCommands() }
        }
        endOfTurn()
        snapshotIfDue()
    }

    private func wake() {
        timer = nil
        machine.wake(now: Self.now)
        carryOut()
        endOfTurn()
    }

    /// Appends what changed, and queues what is to be told behind it.
    private func carryOut() {
        let mutations = machine.takeMutations()
        if !mutations.isEmpty { append(mutations) }
        for effect in machine.takeEffects() { carryOut(effect) }
    }

    private func append(_ mutations: [Mutation]) {
        do throws(JournalError) {
            record.write(mutations)
            appended = try journal.append(record.bytes)
        } catch {
            // Commands are not taken when the journal is behind, so this is a defect. What was changed in memory must
            // not be seen: it would be gone after a restart.
            logger.critical("a change cannot be written down", metadata: ["error": "\(error)"])
            isStopping = true
            cutOff()
            onFailure(error)
        }
    }

    private func carryOut(_ effect: BrokerEffect) {
        switch effect {
        case .reply(let id, let answer, let version):
            // A few words can ask for more than there is memory: the same long value a thousand times.
            let answer = answer.writtenBytes > limits.answerBytes ? Self.tooLong(limits.answerBytes) : answer
            tell(id) { RESPWriter(version).answer(answer, into: &$0) }
        case .tell(let id, let answer, let version):
            tell(id, isProvisional: true) { RESPWriter(version).answer(answer, into: &$0) }
        case .push(let id, let message, let version):
            tell(id) { RESPWriter(version).push(message, into: &$0) }
        case .resume(let id):
            told.insert(id)
        case .close(let id):
            connections[id]?.close()
            told.insert(id)
        case .snapshot: takeSnapshot()
        case .note(.returned(let count, let database)):
            logger.notice(
                "messages returned to their queues", metadata: ["messages": "\(count)", "database": "\(database)"])
        case .note(.deadLettered(let queue, let task, let deliveries)):
            logger.warning(
                "dead letter", metadata: ["queue": "\(queue)", "task": "\(task)", "deliveries": "\(deliveries)"])
        }
    }

    private static func tooLong(_ bytes: Int) -> Answer {
        .error(
            code: "ERR", text: "the answer is longer than \(bytes) bytes: ask for less at a time (LRANGE, HSCAN, SCAN)")
    }

    private func tell(_ id: ClientID, isProvisional: Bool = false, _ write: (inout ByteBuffer) -> Void) {
        let isAtOnce = isProvisional || machine.policy.sync == .after
        connections[id]?.tell(isAtOnce ? 0 : appended, write)
        told.insert(id)
    }

    // MARK: Time

    /// Milliseconds since 1970.
    static var now: Int64 { Int64(SystemClock.seconds * 1000) }

    private func setTimer() {
        guard !isStopping, let next = machine.nextWake else { return }
        if let timer, timer.at <= next { return }
        timer?.scheduled.cancel()
        // A clock that was set must not keep us from looking again.
        let delay = min(max(1, next - Self.now), 10_000)
        let scheduled = loop.assumeIsolated().scheduleTask(in: .milliseconds(delay)) { self.wake() }
        timer = (scheduled, next)
    }

    // MARK: Snapshots

    private func snapshotIfDue() {
        if Self.now >= nextSnapshot, snapshots.isDue(dataBytes: machine.keyspace.bytes) { takeSnapshot() }
    }

    private func takeSnapshot() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        snapshots.take(machine.keyspace) { [loop] isWritten in
            loop.execute { bound.value.snapshotEnded(isWritten) }
        }
    }

    private func snapshotEnded(_ isWritten: Bool) {
        if isWritten { return machine.saved(now: Self.now) }
        // A disk that is full has better uses for its last bytes.
        nextSnapshot = Self.now + 60_000
    }

    // MARK: Numbers

    func reading() -> BrokerReading {
        defer { carryOut() }
        return machine.reading(now: Self.now)
    }

    // MARK: The end

    /// Takes no more commands; calls back when what was answered is durable and told, and all connections are closed.
    func stop(_ done: @escaping () -> Void) {
        isStopping = true
        timer?.scheduled.cancel()
        for connection in connections.values {
            connection.close()
            told.insert(connection.id)
        }
        guard !connections.isEmpty else { return done() }
        onEmpty = done
        endOfTurn()
    }

    /// Closes what is still open.
    func cutOff() {
        for connection in connections.values { connection.cutOff() }
    }
}
