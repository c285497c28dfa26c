import Glibc
package import Logging
import MartletBase
import MartletLogic
import MartletNet

/// The parent of the serving process: keeps its listening sockets, and starts it again when it dies.
///
/// A crash costs the connections of that moment and refuses none: the kernel goes on taking them for the sockets held
/// here, and the next child answers. The parent opens no socket, reads no configuration and parses nothing from
/// outside, so that nothing from outside can end it. What it is told to end it tells its child.
package final class Supervisor {
    /// Tells a child whose child it is: what the child starts itself inherits the variable, but has another parent.
    package static let variable = "MARTLET_SUPERVISED"

    /// By itself a program in Swift that traps stands still for seconds while the stacks of all threads are written:
    /// nobody would be served. The failed thread's is short, and written in any case.
    private static let trapsQuickly = ["SWIFT_BACKTRACE": "enable=no"]

    private static let endings: [CInt] = [SIGTERM, SIGINT, SIGQUIT]

    private let arguments: [String]
    private let environment: [String: String]
    private let logger: Logger
    private let signals: SignalPipe
    private var machine = SupervisorMachine()
    private var child: SupervisedChild?
    /// What outlives the child, by name.
    private var kept: [String: CInt] = [:]
    private var wakeAt = Instant.never

    /// - Parameter arguments: those of the child; the first is the name of the program.
    package init(arguments: [String], environment: [String: String], logger: Logger) throws {
        self.arguments = arguments
        self.environment = Self.trapsQuickly.merging(environment) { $1 }.merging([Self.variable: "\(getpid())"]) { $1 }
        self.logger = logger
        signals = try SignalPipe(Self.endings + [SIGHUP, SIGCHLD])
    }

    /// Returns when the child has ended for good, with the status to exit with.
    package func run() -> Int32 {
        var actions = machine.start()
        while true {
            var failed: [SupervisorMachine.Event] = []
            for action in actions {
                if case .finish(let status) = action { return status }
                failed += perform(action)
            }
            if failed.isEmpty { wait() }
            actions = (failed + events()).flatMap { decide($0) }
        }
    }

    private func decide(_ event: SupervisorMachine.Event) -> [SupervisorMachine.Action] {
        let actions = machine.handle(event, now: .current)
        if case .ended(let ending) = event, machine.state != .finished {
            logger.error("the serving process ended; it is started again", metadata: ["reason": "\(ending)"])
        }
        return actions
    }

    // MARK: What happens

    private func wait() {
        let rest = (wakeAt - Instant.current).inSeconds * 1000
        let milliseconds = wakeAt == .never ? -1 : CInt(min(max(rest.rounded(.up), 0), 60_000))
        waitForInput([signals.descriptor] + (child.map { [$0.line.descriptor] } ?? []), milliseconds: milliseconds)
    }

    private func events() -> [SupervisorMachine.Event] {
        var events: [SupervisorMachine.Event] = hear()
        for signal in signals.take() {
            switch signal {
            case SIGCHLD: break
            case SIGHUP: events.append(.reload(signal: signal))
            // Between parent and child SIGQUIT is the word for haste; from outside it asks for the end as others do.
            default: events.append(.told(signal: signal == SIGQUIT ? SIGTERM : signal))
            }
        }
        if let ending = child?.ending() { events += ended(ending) }
        if wakeAt <= Instant.current {
            wakeAt = .never
            events.append(.woken)
        }
        return events
    }

    /// What the child says.
    private func hear() -> [SupervisorMachine.Event] {
        var events: [SupervisorMachine.Event] = []
        while let received = child?.line.receive(waits: false) {
            switch received.message {
            case .keep(let name):
                guard let file = received.descriptor else {
                    // No room for it here. What is held under the name, if anything, is as good as before.
                    logger.error("a descriptor of the serving process was lost", metadata: ["name": "\(name)"])
                    continue
                }
                drop(name)
                kept[name] = file
            case .drop(let name): drop(name)
            case .ready: events.append(.ready)
            case .allGiven: break
            }
        }
        return events
    }

    private func drop(_ name: String) {
        if let file = kept.removeValue(forKey: name) { close(file) }
    }

    private func ended(_ ending: (status: CInt, signal: CInt)) -> [SupervisorMachine.Event] {
        // It may have said something in its last moment.
        let last = hear()
        child?.line.close()
        child = nil
        let how = ending.signal == 0 ? ChildEnding.exited(ending.status) : .signalled(ending.signal)
        return last + [.ended(how)]
    }

    // MARK: What is done about it

    /// Answers what came of it at once.
    private func perform(_ action: SupervisorMachine.Action) -> [SupervisorMachine.Event] {
        switch action {
        case .spawn: return spawn()
        case .signal(let signal): child?.send(signal: signal)
        // Not what it drains on: that may have been sent to it as well by whoever sent it here, and says nothing new.
        case .hurry: child?.send(signal: SIGQUIT)
        case .wake(let instant): wakeAt = instant
        case .finish: break
        }
        return []
    }

    private func spawn() -> [SupervisorMachine.Event] {
        do {
            let files = kept.map { (name: $0.key, descriptor: $0.value) }
            let child = try SupervisedChild.spawn(arguments: arguments, environment: environment, files: files)
            self.child = child
            if let refusal = child.refusal {
                logger.error("the serving process did not take the sockets", metadata: ["error": "\(refusal)"])
            }
            return []
        } catch {
            logger.error("the serving process cannot be started", metadata: ["error": "\(error)"])
            return [.ended(.exited(1))]
        }
    }
}
