import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// One child process: it holds no descriptor of ours but its standard streams, leads a process group of its own, and
/// dies with Martlet.
///
/// ```swift
/// let child = ChildProcess(command)
/// let exit = await child.run { pid in … } onLine: { stream, line in … }
/// ```
package final class ChildProcess: Sendable {
    /// The signals Martlet sends to a child.
    package enum Request: Sendable, Equatable {
        /// SIGTERM: end in good order.
        case terminate
        /// SIGKILL: end now.
        case kill
    }

    private enum State {
        /// `pending` is what was asked for before there was a process to ask.
        case notStarted(pending: Request?)
        case running(leader: pid_t)
        case ended
    }

    /// Longer lines of the child's output are cut.
    package static let maximumLineBytes = 4096

    private let command: ChildCommand
    private let state = Mutex<State>(.notStarted(pending: nil))

    package init(_ command: ChildCommand) {
        self.command = command
    }

    /// Starts the child and returns when it has ended and is reaped, with all that it left in its process group. Call
    /// it once.
    ///
    /// Cancelling the calling task kills the child at once; for a graceful end, `send(.terminate)` and wait.
    ///
    /// - Parameters:
    ///   - input: The child's standard input, such as the end of a ``ChildSocket``, closed here when the child has it;
    ///     nil: `/dev/null`.
    ///   - onStart: Called once with the process id, unless the child could not be started.
    ///   - onLine: Called for each line the child prints, in order for each stream, without its line break. While it
    ///     runs, that stream of the child is not read.
    package func run(
        input: OwnedDescriptor? = nil,
        onStart: @escaping @Sendable (Int32) -> Void,
        onLine: @escaping @Sendable (ChildStream, String) -> Void
    ) async -> ChildExit {
        let (leaders, started) = AsyncStream<pid_t>.makeStream()
        return await withTaskGroup(of: ChildExit?.self) { tasks in
            tasks.addTask {
                for await leader in leaders { await ChildGuard.watch(group: leader) }
                return nil
            }
            tasks.addTask {
                let exit = await self.runUnguarded(
                    input,
                    onStart: { leader in
                        started.yield(leader)
                        onStart(leader)
                    }, onLine: onLine)
                started.finish()
                return exit
            }
            var exit: ChildExit?
            for await finished in tasks {
                exit = exit ?? finished
                tasks.cancelAll()
            }
            return exit ?? .notStarted("cancelled")
        }
    }

    /// Signals the child and all processes in its group. Before the start, the request waits for it; after the end, it
    /// does nothing.
    package func send(_ request: Request) {
        state.withLock { state in
            switch state {
            case .notStarted(.kill): break
            case .notStarted: state = .notStarted(pending: request)
            case .running(let leader): Self.signal(group: leader, request)
            case .ended: break
            }
        }
    }

    private func runUnguarded(
        _ input: OwnedDescriptor?,
        onStart: @Sendable (Int32) -> Void,
        onLine: @escaping @Sendable (ChildStream, String) -> Void
    ) async -> ChildExit {
        defer { input?.close() }
        guard let descriptor = input?.value else {
            return await runUnguarded(NoInput.none, onStart: onStart, onLine: onLine)
        }
        // Subprocess would close it only where the spawn goes well.
        let standardInput = FileDescriptorInput.fileDescriptor(
            FileDescriptor(rawValue: descriptor), closeAfterSpawningProcess: false)
        return await runUnguarded(
            standardInput,
            onStart: { leader in
                input?.close()
                onStart(leader)
            }, onLine: onLine)
    }

    private func runUnguarded(
        _ input: some InputProtocol,
        onStart: @Sendable (Int32) -> Void,
        onLine: @escaping @Sendable (ChildStream, String) -> Void
    ) async -> ChildExit {
        let arguments = command.wrappedArguments
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
        defer { killStragglers() }
        do {
            let result = try await Subprocess.run(
                .name(arguments[0]),
                arguments: Arguments(Array(arguments.dropFirst())),
                environment: .inherit.updating(overrides),
                platformOptions: options,
                input: input,
                output: .sequence,
                error: .sequence
            ) { execution in
                started(leader: execution.processIdentifier.value)
                onStart(execution.processIdentifier.value)
                await withTaskGroup { readers in
                    readers.addTask { await Self.read(execution.standardOutput, as: .output, onLine) }
                    readers.addTask { await Self.read(execution.standardError, as: .error, onLine) }
                }
            }
            switch result.terminationStatus {
            case .exited(let code): return .exited(code: code)
            case .signaled(let signal): return .signalled(signal)
            }
        } catch {
            return .notStarted("\(error)")
        }
    }

    private func started(leader: pid_t) {
        state.withLock { state in
            if case .notStarted(let pending?) = state { Self.signal(group: leader, pending) }
            state = .running(leader: leader)
        }
    }

    /// What the child started and left behind must not hold its port or its memory when the next one starts.
    private func killStragglers() {
        state.withLock { state in
            // The leader is reaped by now. Its number cannot lead another group yet: the kernel hands numbers out in
            // turn, and keeps one that a group still bears.
            if case .running(let leader) = state { Self.signal(group: leader, .kill) }
            state = .ended
        }
    }

    private static func signal(group leader: pid_t, _ request: Request) {
        _ = kill(-leader, request == .terminate ? SIGTERM : SIGKILL)
    }

    private var overrides: [Environment.Key: String?] {
        var overrides: [Environment.Key: String?] = [:]
        for name in command.withheld {
            if let key = Environment.Key(rawValue: name) { overrides.updateValue(nil, forKey: key) }
        }
        for (name, value) in (command.user?.environment ?? [:]).merging(command.environment, uniquingKeysWith: { $1 }) {
            if let key = Environment.Key(rawValue: name) { overrides[key] = value }
        }
        return overrides
    }

    private static func read(
        _ bytes: SubprocessOutputSequence,
        as stream: ChildStream,
        _ onLine: @Sendable (ChildStream, String) -> Void
    ) async {
        var splitter = LineSplitter(limit: maximumLineBytes)
        do {
            for try await chunk in bytes {
                // SAFETY: the pointer is used only within the closure.
                unsafe chunk.withUnsafeBytes { bytes in
                    unsafe splitter.take(bytes) { onLine(stream, $0) }
                }
            }
        } catch {
            onLine(stream, "(output lost: \(error))")
        }
        splitter.finish { onLine(stream, $0) }
    }
}
