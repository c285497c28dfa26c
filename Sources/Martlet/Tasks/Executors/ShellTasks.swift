import Foundation
import MartletBase
import MartletNet
import MartletTasks
import MartletWire
import Synchronization

/// Which programs tasks may start.
package struct ShellPolicy: Sendable, Equatable {
    /// By name or path, as tasks say them; `*`: any.
    package var programs: Set<String>
    /// Where they run; nil: where Martlet does.
    package var directory: String?
    /// Bytes of output that are kept of each stream, the last ones; while more comes up to twice as many. Of a line,
    /// 4,096 are kept.
    package var outputBytes = 1 << 20

    package init(programs: Set<String>) {
        self.programs = programs
    }

    func allows(_ program: String) -> Bool { programs.contains("*") || programs.contains(program) }
}

/// `martlet.shell`: a task that runs a program. There is no shell in between: each word is one argument as it stands.
///
/// Its arguments: the words, each as one argument or all as a list (`argv`), and by keyword `cwd`. Its result:
/// `{"status": 0, "stdout": …, "stderr": …, "truncated": false}`; another status than 0 is a failure. A soft time
/// limit is SIGTERM for it and all that it started, a hard one or a revocation SIGKILL.
struct ShellTasks: TaskExecutor {
    static let name = "martlet.shell"

    let policy: ShellPolicy
    /// Variables that the programs do not inherit.
    let withheld: [String]

    var tasks: [TaskDescription] { [TaskDescription(name: Self.name)] }

    func run(_ run: TaskRun) async -> TaskOutcome {
        let command: ChildCommand
        do {
            command = try self.command(run.message)
        } catch {
            return .failure(error, runtime: 0)
        }
        let began = Instant.current
        let child = ChildProcess(command)
        let printed = Printed(bound: policy.outputBytes)
        let exit = await withTaskGroup(of: ChildExit?.self) { tasks in
            if let soft = run.softDeadline {
                tasks.addTask {
                    if (try? await Task.sleep(for: max(soft - .current, .zero))) != nil { child.send(.terminate) }
                    return nil
                }
            }
            tasks.addTask {
                await child.run(onStart: { _ in }) { stream, line in
                    printed.add(line, to: stream)
                }
            }
            var exit: ChildExit?
            while exit == nil, let next = await tasks.next() { exit = next }
            tasks.cancelAll()
            return exit
        }
        let (standard, error) = printed.both
        if Task.isCancelled { return .cancelled }
        return Self.outcome(exit, command, standard, error, runtime: (Instant.current - began).inSeconds)
    }

    private static func outcome(
        _ exit: ChildExit?, _ command: ChildCommand, _ standard: CommandOutput, _ error: CommandOutput, runtime: Double
    ) -> TaskOutcome {
        let status: Int
        switch exit {
        case .exited(let code): status = Int(code)
        case .signalled(let signal): status = -Int(signal)
        case .notStarted(let reason):
            return .failure(TaskFailure("OSError", "\(command.arguments[0]): \(reason)"), runtime: 0)
        case nil: return .cancelled
        }
        guard status == 0 else {
            // As Python's own: the status, the words, what was printed.
            let words = RawJSON(.array(command.arguments.map(JSONValue.string)))
            let arguments = [RawJSON(.integer(Int64(status))), words, RawJSON(standard.text), RawJSON(error.text)]
            return .failure(
                TaskFailure(type: "CalledProcessError", module: "subprocess", arguments: arguments), runtime: runtime)
        }
        let result: [String: JSONValue] = [
            "status": 0, "stdout": .string(standard.text), "stderr": .string(error.text),
            "truncated": .bool(standard.isCut || error.isCut),
        ]
        return .success(RawJSON(.object(result)), runtime: runtime)
    }

    private func command(_ message: TaskMessage) throws(TaskFailure) -> ChildCommand {
        var words = message.args.elements ?? []
        if let list = message.kwargs["argv"]?.elements ?? (words.count == 1 ? words[0].elements : nil) { words = list }
        let arguments = words.compactMap(\.string)
        guard let program = arguments.first, !program.isEmpty, arguments.count == words.count,
            !arguments.contains(where: { $0.utf8.contains(0) })
        else { throw TaskFailure("ValueError", "the words of a command are one or more texts") }
        guard policy.allows(program) else {
            throw TaskFailure("PermissionError", "\(program) is no program that tasks may start here")
        }
        var directory = policy.directory
        if let wanted = message.kwargs["cwd"]?.string {
            guard policy.programs.contains("*") else {
                throw TaskFailure("PermissionError", "the folder is stated here, not by tasks")
            }
            directory = wanted
        }
        return ChildCommand(arguments: arguments, withheld: withheld, directory: directory)
    }
}

/// What a program printed to both of its streams, gathered while it runs.
private final class Printed: Sendable {
    private let streams: Mutex<(CommandOutput, CommandOutput)>

    init(bound: Int) {
        streams = Mutex((CommandOutput(bound: bound), CommandOutput(bound: bound)))
    }

    var both: (CommandOutput, CommandOutput) { streams.withLock { $0 } }

    func add(_ line: String, to stream: ChildStream) {
        streams.withLock { streams in
            if stream == .output { streams.0.add(line) } else { streams.1.add(line) }
        }
    }
}

/// The last lines of what a program printed.
struct CommandOutput: Sendable {
    let bound: Int
    private var lines: [String] = []
    private var bytes = 0
    private(set) var isCut = false

    init(bound: Int) {
        self.bound = bound
    }

    var text: String { lines.joined(separator: "\n") + (lines.isEmpty ? "" : "\n") }

    mutating func add(_ line: String) {
        lines.append(line)
        bytes += line.utf8.count + 1
        // In pieces: to drop lines one by one from the front costs as much as all that are there.
        guard bytes > 2 * bound else { return }
        isCut = true
        while bytes > bound, lines.count > 1 {
            let half = lines.count / 2
            bytes -= lines[..<half].reduce(0) { $0 + $1.utf8.count + 1 }
            lines.removeFirst(half)
        }
    }
}
