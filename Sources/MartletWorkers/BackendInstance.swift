import Logging
import MartletBase
import MartletLogic
import MartletNet
import Synchronization

/// Carries out what a ``BackendMachine`` decides for one instance: starts and signals its process, asks it whether it
/// is ready, keeps its status. It decides nothing itself.
final class BackendInstance: Sendable {
    /// What became of it, for the service.
    enum News: Sendable {
        case ready(port: Int?)
        case gone(port: Int?, BackendExit)
        /// Its process ended before it served.
        case failed(BackendExit)
        /// Its status is another one.
        case changed
    }

    typealias Hear = @Sendable (News) -> Void

    let identity: BackendIdentity
    private let spec: BackendSpec
    private let role: WorkerRole?
    private let surroundings: BackendSurroundings
    private let logger: Logger
    private let output: BackendOutput
    private let events: AsyncStream<BackendMachine.Event>
    private let inbox: AsyncStream<BackendMachine.Event>.Continuation
    private let current: Mutex<BackendStatus>
    private let running = Mutex<(any ProcessRun)?>(nil)

    /// - Parameter process: Of this one instance, see ``ManagedProcess/single(_:)``.
    init(_ identity: BackendIdentity, process: ManagedProcess, surroundings: BackendSurroundings) {
        self.identity = identity
        spec = process.spec
        role = process.worker
        self.surroundings = surroundings
        var logger = surroundings.logger
        logger[metadataKey: "backend"] = "\(identity.backend)"
        logger[metadataKey: "instance"] = "\(identity.instance)"
        self.logger = logger
        output = BackendOutput(logger: logger, now: surroundings.now)
        (events, inbox) = AsyncStream.makeStream()
        let machine = BackendMachine(policy: spec.policy, now: surroundings.now())
        current = Mutex(BackendStatus(identity, machine: machine))
    }

    var status: BackendStatus { current.withLock { $0 } }

    /// Stops the process in good order; `run()` returns when it is gone.
    func stop() { inbox.yield(.stop) }

    /// As ``stop()``, without time for the process to end by itself.
    func hurry() { inbox.yield(.hurry) }

    /// No new work for it; returns when it has none, or after `limit`.
    func drain(within limit: Duration) async {
        await running.withLock { $0 }?.drain(within: limit)
    }

    /// Whether ``wear()`` may find something.
    var mayBeWorn: Bool { running.withLock { $0 }?.mayBeWorn ?? false }

    /// Whether its process should be replaced although it serves. Reads `/proc`: not for an event loop.
    func wear() -> Wear? {
        guard let run = running.withLock({ $0 }), let pid = status.pid else { return nil }
        return run.wear(of: pid)
    }

    /// It is to be stopped soon; should its process end before, that is its end.
    func retire() { inbox.yield(.retire) }

    /// Keeps the process running until ``stop()``.
    func run(hear: @escaping Hear) async {
        var machine = BackendMachine(policy: spec.policy, now: surroundings.now())
        var process: RunningProcess?
        inbox.yield(.start)
        await withDiscardingTaskGroup { tasks in
            tasks.addTask { [output] in await output.tellOfGaps() }
            for await event in events {
                let wasReady = if case .ready = machine.state { true } else { false }
                let actions = machine.handle(event, now: surroundings.now(), jitter: .random(in: 0...1))
                current.withLock { $0.take(machine) }
                for action in actions {
                    perform(action, run: machine.run, on: &process, in: &tasks, hear)
                }
                if case .exited = event {
                    forget(&process, machine)
                    if !wasReady, let reason = machine.lastExit { hear(.failed(reason)) }
                }
                hear(.changed)
            }
            tasks.cancelAll()
        }
    }

    private struct RunningProcess {
        let child: ChildProcess
        let run: any ProcessRun
    }

    private func perform(
        _ action: BackendMachine.Action, run number: Int, on process: inout RunningProcess?,
        in tasks: inout DiscardingTaskGroup, _ hear: Hear
    ) {
        switch action {
        case .spawn:
            process = spawn(run: number, in: &tasks)
        case .probe(let run):
            guard let asked = process?.run else { return }
            tasks.addTask { [self] in
                let passed = await asked.check()
                inbox.yield(.probed(run: run, passed: passed))
            }
        case .terminate:
            guard let process, !process.run.askToEnd(within: spec.policy.stopGrace) else { return }
            process.child.send(.terminate)
        case .kill:
            process?.child.send(.kill)
        case .announceReady:
            guard let run = process?.run else { return }
            logger.info("backend ready", metadata: run.port.map { ["port": "\($0)"] } ?? [:])
            run.serves()
            hear(.ready(port: run.port))
        case .announceGone(let reason):
            guard let run = process?.run else { return }
            run.gone()
            hear(.gone(port: run.port, reason))
        case .wake(let time):
            tasks.addTask { [self] in
                try? await Task.sleep(for: max(.zero, time - surroundings.now()))
                inbox.yield(.woken)
            }
        case .finish:
            inbox.finish()
        }
    }

    private func spawn(run number: Int, in tasks: inout DiscardingTaskGroup) -> RunningProcess? {
        let run: any ProcessRun
        switch prepare() {
        case .success(let prepared): run = prepared
        case .failure(let error):
            inbox.yield(.exited(.notStarted(error.reason)))
            return nil
        }
        let child = ChildProcess(run.command)
        current.withLock { $0.spawned(port: run.port) }
        tasks.addTask { [self, output] in
            let exit = await child.run(input: run.input) { pid in
                var metadata: Logger.Metadata = ["pid": "\(pid)"]
                if let port = run.port { metadata["port"] = "\(port)" }
                self.logger.info("backend started", metadata: metadata)
                self.current.withLock { $0.started(pid: pid) }
                run.started { news in
                    if case .left = news { child.send(.kill) }
                    if let event = BackendMachine.Event(news, of: number) { self.inbox.yield(event) }
                }
            } onLine: { stream, line in
                output.log(line, from: stream)
            }
            output.tellOmitted()
            inbox.yield(.exited(BackendExit(exit)))
        }
        running.withLock { $0 = run }
        return RunningProcess(child: child, run: run)
    }

    private func prepare() -> Result<any ProcessRun, NotStarted> {
        guard let role else { return HTTPRun.start(spec, surroundings).map { $0 } }
        return WorkerRun.start(role, spec, identity, surroundings, logger, output).map { $0 }
    }

    private func forget(_ process: inout RunningProcess?, _ machine: BackendMachine) {
        process?.run.ended()
        process = nil
        running.withLock { $0 = nil }
        current.withLock { $0.ended() }
        logger.log(
            level: machine.state == .finished ? .info : .warning, "backend ended",
            metadata: ["reason": "\(machine.lastExit ?? .stopped)", "state": "\(machine.state.text)"])
    }
}

extension BackendMachine.Event {
    fileprivate init?(_ news: ProcessNews, of run: Int) {
        switch news {
        case .serves: self = .probed(run: run, passed: true)
        case .getsOn: self = .gotOn(run: run)
        case .failed(let reason): self = .condemned(run: run, reason)
        // Its exit says how.
        case .left: return nil
        }
    }
}

extension BackendExit {
    fileprivate init(_ exit: ChildExit) {
        self =
            switch exit {
            case .exited(let code): .exited(code: code)
            case .signalled(let signal): .signalled(signal)
            case .notStarted(let reason): .notStarted(reason)
            }
    }
}
