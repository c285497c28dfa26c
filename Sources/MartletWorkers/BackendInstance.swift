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
        case ready(port: Int)
        case gone(port: Int, BackendExit)
        /// Its process ended before it served.
        case failed(BackendExit)
        /// Its status is another one.
        case changed
    }

    typealias Hear = @Sendable (News) -> Void

    let identity: BackendIdentity
    private let spec: BackendSpec
    private let surroundings: BackendSurroundings
    private let logger: Logger
    private let output: BackendOutput
    private let events: AsyncStream<BackendMachine.Event>
    private let inbox: AsyncStream<BackendMachine.Event>.Continuation
    private let current: Mutex<BackendStatus>

    /// - Parameter spec: Of this one instance, see ``BackendSpec/single(_:)``.
    init(_ identity: BackendIdentity, spec: BackendSpec, surroundings: BackendSurroundings) {
        self.identity = identity
        self.spec = spec
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
                    perform(action, on: &process, in: &tasks, hear)
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
        let port: Int
    }

    private func perform(
        _ action: BackendMachine.Action, on process: inout RunningProcess?, in tasks: inout DiscardingTaskGroup,
        _ hear: Hear
    ) {
        switch action {
        case .spawn:
            process = spawn(in: &tasks)
        case .probe(let run):
            guard let port = process?.port else { return }
            tasks.addTask { [self] in
                let passed = await surroundings.probe("127.0.0.1", port, spec.readyPath, spec.checkTimeout)
                inbox.yield(.probed(run: run, passed: passed))
            }
        case .terminate:
            process?.child.send(.terminate)
        case .kill:
            process?.child.send(.kill)
        case .announceReady:
            guard let port = process?.port else { return }
            logger.info("backend ready", metadata: ["port": "\(port)"])
            hear(.ready(port: port))
        case .announceGone(let reason):
            guard let port = process?.port else { return }
            hear(.gone(port: port, reason))
        case .wake(let time):
            tasks.addTask { [self] in
                try? await Task.sleep(for: max(.zero, time - surroundings.now()))
                inbox.yield(.woken)
            }
        case .finish:
            inbox.finish()
        }
    }

    private func spawn(in tasks: inout DiscardingTaskGroup) -> RunningProcess? {
        guard let port = surroundings.ports.claim(spec.port) else {
            let reason = spec.port.map { "port \($0) is another backend's" } ?? "no free port on the loopback address"
            inbox.yield(.exited(.notStarted(reason)))
            return nil
        }
        let child = ChildProcess(command(port: port))
        current.withLock { $0.spawned(port: port) }
        tasks.addTask { [self, output] in
            let exit = await child.run { pid in
                self.logger.info("backend started", metadata: ["pid": "\(pid)", "port": "\(port)"])
                self.current.withLock { $0.started(pid: pid) }
            } onLine: { stream, line in
                output.log(line, from: stream)
            }
            output.tellOmitted()
            inbox.yield(.exited(BackendExit(exit)))
        }
        return RunningProcess(child: child, port: port)
    }

    private func forget(_ process: inout RunningProcess?, _ machine: BackendMachine) {
        if let port = process?.port { surroundings.ports.giveBack(port) }
        process = nil
        current.withLock { $0.ended() }
        logger.log(
            level: machine.state == .finished ? .info : .warning, "backend ended",
            metadata: ["reason": "\(machine.lastExit ?? .stopped)", "state": "\(machine.state.text)"])
    }

    private func command(port: Int) -> ChildCommand {
        let fill = { (text: String) in text.replacing("{port}", with: String(port)) }
        return ChildCommand(
            arguments: spec.command.map(fill),
            environment: spec.environment.mapValues(fill),
            withheld: surroundings.withheld,
            directory: spec.directory,
            addressSpaceBytes: spec.addressSpaceBytes,
            openFiles: spec.openFiles)
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
