import FoundationEssentials
import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWire
import NIOCore
import Synchronization

/// One life of a worker: its process, its link, its seat in the group.
///
/// The end of the link is the end of the worker: what it had is tried elsewhere at once, whatever its process does yet.
final class WorkerRun: ProcessRun, WorkerLinkDelegate {
    private struct State {
        var seat: WorkerSeat?
        var capacity: WorkerCapacity?
        /// From when the process lives.
        var hear: (@Sendable (ProcessNews) -> Void)?
        /// It said something since the last check.
        var wasHeard = false
        var pings: UInt64 = 0
        /// What it says of its loading before then is not heard.
        var nextProgress = Instant(nanoseconds: 0)
        var hasLeft = false
    }

    /// What was found when its process was last looked at.
    private struct Condition {
        var detector: WearDetector
        var served = 0
        var wear: Wear?
    }

    let command: ChildCommand
    let input: OwnedDescriptor?
    var port: Int? { nil }
    private let role: WorkerRole
    private let number: WorkerNumber
    /// Which of the group's, counted from 0.
    private let instance: Int
    private let logger: Logger
    private let output: BackendOutput
    private let state = Mutex(State())
    private let condition: Mutex<Condition>

    /// Nil with the reason: there is no socket for it.
    static func start(
        _ role: WorkerRole, _ spec: BackendSpec, _ identity: BackendIdentity, _ surroundings: BackendSurroundings,
        _ logger: Logger, _ output: BackendOutput
    ) -> Result<WorkerRun, NotStarted> {
        do throws(MartletError) {
            let socket = try ChildSocket()
            let run = WorkerRun(
                role, identity, try ChildCommand(spec, withheld: surroundings.withheld),
                input: socket.childs, logger, output)
            run.open(socket, named: "\(identity.backend)/\(identity.instance)")
            return .success(run)
        } catch {
            return .failure(NotStarted(reason: "\(error)"))
        }
    }

    private init(
        _ role: WorkerRole, _ identity: BackendIdentity, _ command: ChildCommand, input: OwnedDescriptor,
        _ logger: Logger, _ output: BackendOutput
    ) {
        self.role = role
        number = WorkerNumber(identity.number)
        instance = identity.instance
        var command = command
        command.environment["MARTLET_WORKER"] = "1"
        self.command = command
        self.input = input
        self.logger = logger
        self.output = output
        condition = Mutex(Condition(detector: WearDetector(policy: role.recycle)))
    }

    private func open(_ socket: ChildSocket, named name: String) {
        let arena = greet(socket, named: name)
        let link = WorkerLink(socket, on: role.loops.next(), sharing: arena, delegate: self)
        let seat = WorkerSeat(number, of: role.group, link: link, sharing: arena) { [self] in
            end("it went on with what nobody wants")
        }
        state.withLock { $0.seat = seat }
        guard arena == nil else { return }
        let hello = role.hello(name, sharing: nil)
        link.send { WorkerFrameWriter.control(.hello, payload: hello, into: &$0) }
    }

    /// Sends `HELLO` with the memory that is to be shared. nil, and nothing sent: there is none.
    private func greet(_ socket: ChildSocket, named name: String) -> WorkerArena? {
        guard role.sharedBytes > 0 else { return nil }
        do throws(MartletError) {
            let arena = try WorkerArena("martlet-worker", half: role.sharedBytes)
            guard let memory = arena.descriptor else { return nil }
            var hello = ByteBuffer()
            WorkerFrameWriter.control(.hello, payload: role.hello(name, sharing: arena), into: &hello)
            try socket.send(hello, with: memory)
            return arena
        } catch {
            logger.warning("no memory is shared with the worker", metadata: ["error": "\(error)"])
            return nil
        }
    }

    // MARK: The process

    func started(hear: @escaping @Sendable (ProcessNews) -> Void) {
        let hasLeft = state.withLock { state in
            state.hear = hear
            return state.hasLeft
        }
        if hasLeft { hear(.left) }
    }

    private func end(_ reason: String) { state.withLock { $0.hear }?(.failed(reason)) }

    /// One that says something lives. So does one that computes: a call that holds the interpreter's lock is silent.
    /// One that loads is not asked; it tells.
    func check() async -> Bool {
        let asked = state.withLock { state -> (seat: WorkerSeat, ping: UInt64, wasHeard: Bool)? in
            guard let seat = state.seat, state.capacity != nil else { return nil }
            defer { state.wasHeard = false }
            state.pings += 1
            return (seat, state.pings, state.wasHeard || state.pings == 1)
        }
        guard let asked else { return false }
        asked.seat.link.send { WorkerFrameWriter.control(.ping, id: asked.ping, into: &$0) }
        return asked.wasHeard || role.group.isExcused(number)
    }

    func serves() {
        let (seat, capacity) = state.withLock { ($0.seat, $0.capacity) }
        guard let seat, let capacity, !state.withLock({ $0.hasLeft }) else { return }
        role.group.ready(seat, capacity)
    }

    func gone() {
        if let seat = state.withLock({ $0.seat }) { role.group.gone(seat) }
    }

    func drain(within limit: Duration) async {
        let end = Instant.current + limit
        while Instant.current < end, !(role.group.drain(number) && role.group.isIdle(number)) {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
        }
    }

    /// One that does not serve yet has nothing to end in good order.
    func askToEnd(within grace: Duration) -> Bool {
        let seat = state.withLock { state in state.capacity == nil || state.hasLeft ? nil : state.seat }
        guard let seat else { return false }
        let payload = "{\"grace_ms\":\(Int((grace.inSeconds * 1000).rounded()))}"
        seat.link.send { WorkerFrameWriter.control(.drain, payload: payload, into: &$0) }
        return true
    }

    /// It has served something since the last look: who serves nothing wears out nothing of ours. Or it is found worn,
    /// and its turn to be replaced may have come.
    var mayBeWorn: Bool {
        guard let served = role.group.ended(by: number) else { return false }
        return condition.withLock { $0.served != served || $0.wear != nil }
    }

    func wear(of pid: Int32) -> Wear? {
        guard let served = role.group.ended(by: number) else { return nil }
        return condition.withLock { condition in
            guard served != condition.served, let vitals = ProcessVitals(of: pid) else { return condition.wear }
            condition.served = served
            let sample = WearDetector.Sample(
                served: served, descriptors: vitals.descriptors, limit: vitals.descriptorLimit,
                residentBytes: vitals.residentBytes)
            switch condition.detector.look(sample) {
            case .sound: break
            case .worn(let reason): condition.wear = Wear(reason: reason, sample: sample)
            case .spent(let reason):
                condition.wear = Wear(reason: reason, sample: sample)
                role.group.isSpent(number)
            }
            return condition.wear
        }
    }

    func ended() {
        gone()
        role.group.forgetVersion(of: number)
        role.group.figures.forget(number)
        // The seat knows this run, and has the memory that was shared.
        let seat = state.withLock { state in
            defer { state.seat = nil }
            return state.seat
        }
        seat?.link.close()
    }

    // MARK: The link

    func linkReceived(_ type: WorkerFrameType, _ item: WorkerItem) {
        if item.id == 0, type == .error {
            logger.error("worker did not load", metadata: ["error": "\(Self.text(item.body))"])
            return
        }
        state.withLock { state in
            state.wasHeard = true
            return state.seat
        }?.take(type, item)
    }

    func linkReceived(_ type: WorkerFrameType, id: UInt64, payload: ByteBuffer) {
        let hasServed = state.withLock { state in
            state.wasHeard = true
            return state.capacity != nil
        }
        // Decoded on a loop that serves others too.
        guard type == .ready ? !hasServed : payload.readableBytes <= Self.longestWord else { return }
        switch type {
        case .ready: isReady(payload)
        case .limit:
            guard let limit = Self.decode(Limit.self, payload) else { return }
            role.group.limited(number, maxBatch: min(limit.max_batch, WorkerAPI.mostInBatch))
        case .log:
            guard let line = Self.decode(LogLine.self, payload) else { return }
            let level = Logger.Level(rawValue: line.level) ?? .info
            output.log(
                "worker says", String(line.message.prefix(Self.longestLine)), level: level, more: line.metadata)
        case .metric:
            guard let figure = Self.decode(Figure.self, payload) else { return }
            role.group.figures.report(figure.name, figure.value, of: instance, by: number)
        case .progress:
            let now = Instant.current
            let hear = state.withLock { state -> (@Sendable (ProcessNews) -> Void)? in
                guard now >= state.nextProgress else { return nil }
                state.nextProgress = now + Self.progressPause
                return state.hear
            }
            guard let hear else { return }
            hear(.getsOn)
            if let progress = Self.decode(Progress.self, payload) {
                output.log("worker loads", String(progress.message.prefix(Self.longestLine)))
            }
        default: break
        }
    }

    func linkReadComplete() { state.withLock { $0.seat }?.readComplete() }

    func linkWritable() { state.withLock { $0.seat }?.pump() }

    func linkEnded(_ end: WorkerLinkEnd) {
        state.withLock { $0.hasLeft = true }
        gone()
        switch end {
        case .endOfFile: state.withLock { $0.hear }?(.left)
        case .closed: break
        case .garbage(let error):
            logger.error("worker broke the protocol", metadata: ["error": "\(error)"])
            self.end("it broke the protocol")
        case .broken(let reason):
            logger.error("worker's socket failed", metadata: ["error": "\(reason)"])
            self.end("its socket failed")
        }
    }

    private func isReady(_ payload: ByteBuffer) {
        do {
            let ready = try WorkerReady(payload: Data(payload.readableBytesView))
            guard role.group.admits(number, ready.version) else {
                logger.error(
                    "worker of another version than the others of its group", metadata: ["version": "\(ready.version)"])
                return end("it is of another version than the others")
            }
            let api = ready.apis.first { $0.name == role.group.api.name } ?? role.group.api
            if ready.readsSharedMemory { state.withLock { $0.seat }?.sharesMemory() }
            let hear = state.withLock { state in
                state.capacity = WorkerCapacity(maxBatch: api.maxBatch, concurrent: api.concurrent)
                return state.hear
            }
            hear?(.serves)
        } catch {
            logger.error("worker is not what it should be", metadata: ["error": "\(error)"])
            end("it is not what it should be")
        }
    }

    private struct Limit: Decodable {
        var max_batch: Int
    }

    private struct LogLine: Decodable {
        var level: String
        var message: String
        var fields: [String: JSONValue]?

        /// The fields under names that none of ours has, as many and as long as are of use.
        var metadata: Logger.Metadata {
            var metadata: Logger.Metadata = [:]
            for (name, value) in (fields ?? [:]).sorted(by: { $0.key < $1.key }).prefix(16) {
                guard name.utf8.count <= 64, let text = value.scalarText else { continue }
                metadata["app.\(name)"] = "\(text.prefix(1024))"
            }
            return metadata
        }
    }

    private struct Figure: Decodable {
        var name: String
        var value: Double
    }

    private struct Progress: Decodable {
        var message: String
    }

    /// Of a control frame that is no `READY`, in bytes.
    private static let longestWord = 128 << 10
    private static let progressPause: Duration = .milliseconds(100)
    /// Of a log line, in characters.
    private static let longestLine = 16 << 10

    private static func text(_ bytes: ByteBuffer) -> String {
        String(decoding: bytes.readableBytesView.suffix(longestLine), as: UTF8.self)
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ payload: ByteBuffer) -> Value? {
        try? JSONDecoder().decode(type, from: Data(payload.readableBytesView))
    }
}

extension JSONValue {
    /// nil: an object, an array or nothing.
    fileprivate var scalarText: String? {
        switch self {
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): value
        case .null, .array, .object: nil
        }
    }
}
