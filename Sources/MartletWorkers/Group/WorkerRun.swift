import FoundationEssentials
import Logging
import MartletBase
import MartletLogic
import MartletNet
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
        var end: (@Sendable () -> Void)?
        var answer: (@Sendable (Bool) -> Void)?
        /// It said something since the last check.
        var wasHeard = false
        var pings: UInt64 = 0
        var hasLeft = false
    }

    let command: ChildCommand
    let input: OwnedDescriptor?
    var port: Int? { nil }
    private let role: WorkerRole
    private let number: WorkerNumber
    private let logger: Logger
    private let state = Mutex(State())

    /// Nil with the reason: there is no socket for it.
    static func start(
        _ role: WorkerRole, _ spec: BackendSpec, _ identity: BackendIdentity, _ surroundings: BackendSurroundings,
        _ logger: Logger
    ) -> Result<WorkerRun, NotStarted> {
        do throws(MartletError) {
            let socket = try ChildSocket()
            let run = WorkerRun(
                role, WorkerNumber(identity.number), ChildCommand(spec, withheld: surroundings.withheld),
                input: socket.childs, logger)
            run.open(socket, named: "\(identity.backend)/\(identity.instance)")
            return .success(run)
        } catch {
            return .failure(NotStarted(reason: "\(error)"))
        }
    }

    private init(
        _ role: WorkerRole, _ number: WorkerNumber, _ command: ChildCommand, input: OwnedDescriptor, _ logger: Logger
    ) {
        self.role = role
        self.number = number
        var command = command
        command.environment["MARTLET_WORKER"] = "1"
        self.command = command
        self.input = input
        self.logger = logger
    }

    private func open(_ socket: ChildSocket, named name: String) {
        let link = WorkerLink(socket, on: role.loops.next(), delegate: self)
        let seat = WorkerSeat(number, of: role.group, link: link) { [self] in state.withLock { $0.end }?() }
        state.withLock { $0.seat = seat }
        let hello = role.hello(name)
        link.send { WorkerFrameWriter.control(.hello, payload: hello, into: &$0) }
    }

    // MARK: The process

    func started(end: @escaping @Sendable () -> Void, answer: @escaping @Sendable (Bool) -> Void) {
        state.withLock { ($0.end, $0.answer) = (end, answer) }
    }

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

    func gone() { role.group.gone(number) }

    func drain(within limit: Duration) async {
        role.group.drain(number)
        let end = Instant.current + limit
        while Instant.current < end, !role.group.isIdle(number) {
            guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
        }
    }

    func ended() {
        gone()
        state.withLock { $0.seat }?.link.close()
    }

    // MARK: The link

    func linkReceived(_ type: WorkerFrameType, _ item: WorkerItem) {
        if item.id == 0, type == .error {
            logger.error("worker did not load", metadata: ["error": "\(String(buffer: item.body))"])
            return
        }
        state.withLock { state in
            state.wasHeard = true
            return state.seat
        }?.take(type, item)
    }

    func linkReceived(_ type: WorkerFrameType, id: UInt64, payload: ByteBuffer) {
        state.withLock { $0.wasHeard = true }
        switch type {
        case .ready: isReady(payload)
        case .limit:
            guard let limit = Self.decode(Limit.self, payload) else { return }
            role.group.limited(number, maxBatch: limit.max_batch)
        case .log:
            guard let line = Self.decode(LogLine.self, payload) else { return }
            logger.log(level: Logger.Level(rawValue: line.level) ?? .info, "worker says", metadata: [
                "line": "\(line.message.prefix(16 << 10))",
            ])
        case .progress:
            if let progress = Self.decode(Progress.self, payload) {
                logger.info("worker loads", metadata: ["line": "\(progress.message.prefix(4096))"])
            }
        default: break
        }
    }

    func linkReadComplete() { state.withLock { $0.seat }?.readComplete() }

    func linkWritable() { state.withLock { $0.seat }?.pump() }

    func linkEnded(_ end: WorkerLinkEnd) {
        let kill = state.withLock { state in
            state.hasLeft = true
            return state.end
        }
        role.group.gone(number)
        switch end {
        case .endOfFile, .closed: break
        case .garbage(let error): logger.error("worker broke the protocol", metadata: ["error": "\(error)"])
        case .broken(let reason): logger.error("worker's socket failed", metadata: ["error": "\(reason)"])
        }
        kill?()
    }

    private func isReady(_ payload: ByteBuffer) {
        do {
            let ready = try WorkerReady(payload: Data(payload.readableBytesView))
            let api = ready.apis.first { $0.path == role.group.api.path } ?? role.group.api
            let answer = state.withLock { state in
                state.capacity = WorkerCapacity(maxBatch: api.maxBatch, concurrent: api.concurrent)
                return state.answer
            }
            answer?(true)
        } catch {
            logger.error("worker is not what it should be", metadata: ["error": "\(error)"])
            state.withLock { $0.end }?()
        }
    }

    private struct Limit: Decodable {
        var max_batch: Int
    }

    private struct LogLine: Decodable {
        var level: String
        var message: String
    }

    private struct Progress: Decodable {
        var message: String
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ payload: ByteBuffer) -> Value? {
        try? JSONDecoder().decode(type, from: Data(payload.readableBytesView))
    }
}
