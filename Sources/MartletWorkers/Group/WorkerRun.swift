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
        /// From when the process lives.
        var hear: (@Sendable (ProcessNews) -> Void)?
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
    private let output: BackendOutput
    private let state = Mutex(State())

    /// Nil with the reason: there is no socket for it.
    static func start(
        _ role: WorkerRole, _ spec: BackendSpec, _ identity: BackendIdentity, _ surroundings: BackendSurroundings,
        _ logger: Logger, _ output: BackendOutput
    ) -> Result<WorkerRun, NotStarted> {
        do throws(MartletError) {
            let socket = try ChildSocket()
            let run = WorkerRun(
                role, WorkerNumber(identity.number), ChildCommand(spec, withheld: surroundings.withheld),
                input: socket.childs, logger, output)
            run.open(socket, named: "\(identity.backend)/\(identity.instance)")
            return .success(run)
        } catch {
            return .failure(NotStarted(reason: "\(error)"))
        }
    }

    private init(
        _ role: WorkerRole, _ number: WorkerNumber, _ command: ChildCommand, input: OwnedDescriptor, _ logger: Logger,
        _ output: BackendOutput
    ) {
        self.role = role
        self.number = number
        var command = command
        command.environment["MARTLET_WORKER"] = "1"
        self.command = command
        self.input = input
        self.logger = logger
        self.output = output
    }

    private func open(_ socket: ChildSocket, named name: String) {
        let link = WorkerLink(socket, on: role.loops.next(), delegate: self)
        let seat = WorkerSeat(number, of: role.group, link: link) { [self] in
            end("it went on with what nobody wants")
        }
        state.withLock { $0.seat = seat }
        let hello = role.hello(name)
        link.send { WorkerFrameWriter.control(.hello, payload: hello, into: &$0) }
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

    func ended() {
        gone()
        role.group.forgetVersion(of: number)
        state.withLock { $0.seat }?.link.close()
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
        state.withLock { $0.wasHeard = true }
        switch type {
        case .ready: isReady(payload)
        case .limit:
            guard let limit = Self.decode(Limit.self, payload) else { return }
            role.group.limited(number, maxBatch: min(limit.max_batch, WorkerAPI.mostInBatch))
        case .log:
            guard let line = Self.decode(LogLine.self, payload) else { return }
            let level = Logger.Level(rawValue: line.level) ?? .info
            output.log("worker says", String(line.message.prefix(Self.longestLine)), level: level)
        case .progress:
            state.withLock { $0.hear }?(.getsOn)
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
    }

    private struct Progress: Decodable {
        var message: String
    }

    /// Of a log line, in characters.
    private static let longestLine = 16 << 10

    private static func text(_ bytes: ByteBuffer) -> String {
        String(decoding: bytes.readableBytesView.suffix(longestLine), as: UTF8.self)
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ payload: ByteBuffer) -> Value? {
        try? JSONDecoder().decode(type, from: Data(payload.readableBytesView))
    }
}
