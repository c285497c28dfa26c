import FoundationEssentials
package import Logging
package import MartletBase
package import MartletNet
import MartletWire
package import NIOCore
import Synchronization

/// Asks an app what it serves: a worker loads its file, without the models, says so and is ended.
package enum AppDescription {
    /// - Parameters:
    ///   - command: The worker.
    ///   - app: The file or module, as the SDK reads it.
    /// - Throws: `workerFailed`, which says why, when it does not tell within `limit`.
    package static func read(
        _ command: ChildCommand, app: String, on loop: any EventLoop, within limit: Duration, logger: Logger
    ) async throws(MartletError) -> WorkerReady {
        var command = command
        command.environment["MARTLET_WORKER"] = "1"
        let socket = try ChildSocket()
        let reader = AppReader(app, ChildProcess(command))
        let link = WorkerLink(socket, on: loop, delegate: reader)
        link.send {
            WorkerFrameWriter.control(
                .hello, payload: #"{"protocol":1,"purpose":"describe","app":\#(JSONText.quoted(app))}"#, into: &$0)
        }
        let exit = await reader.run(input: socket.childs, within: limit, logger)
        link.close()
        return try reader.result(exit)
    }
}

private final class AppReader: WorkerLinkDelegate {
    private struct State {
        var ready: WorkerReady?
        /// Why there is none, as the worker told.
        var complaint = ""
        /// What it printed last.
        var lines: [String] = []
    }

    private static let linesKept = 20

    private let app: String
    private let child: ChildProcess
    private let state = Mutex(State())

    init(_ app: String, _ child: ChildProcess) {
        self.app = app
        self.child = child
    }

    func run(input: OwnedDescriptor, within limit: Duration, _ logger: Logger) async -> ChildExit {
        await withTaskGroup(of: ChildExit?.self) { tasks in
            tasks.addTask { [self] in
                guard (try? await Task.sleep(for: limit)) != nil else { return nil }
                state.withLock { $0.complaint = "it did not say what it serves within \(limit)" }
                child.send(.kill)
                return nil
            }
            tasks.addTask { [self] in
                await child.run(input: input) { _ in
                } onLine: { stream, line in
                    logger.info("app output", metadata: ["stream": "\(stream.rawValue)", "line": "\(line)"])
                    self.state.withLock { state in
                        state.lines.append(line)
                        if state.lines.count > Self.linesKept { state.lines.removeFirst() }
                    }
                }
            }
            var exit: ChildExit?
            while exit == nil, let next = await tasks.next() { exit = next }
            tasks.cancelAll()
            return exit ?? .notStarted("cancelled")
        }
    }

    func result(_ exit: ChildExit) throws(MartletError) -> WorkerReady {
        let end = state.withLock { $0 }
        if let ready = end.ready { return ready }
        var cause = end.complaint
        if cause.isEmpty {
            cause = (["it ended (\(exit)) before it said what it serves"] + end.lines).joined(separator: "\n")
        }
        throw MartletError(.workerFailed, operation: "read \(app)", cause: cause)
    }

    // MARK: The link

    func linkReceived(_ type: WorkerFrameType, id: UInt64, payload: ByteBuffer) {
        guard type == .ready else { return }
        do {
            let ready = try WorkerReady(payload: Data(payload.readableBytesView))
            state.withLock { $0.ready = ready }
        } catch {
            state.withLock { $0.complaint = "\(error)" }
        }
        child.send(.kill)
    }

    func linkReceived(_ type: WorkerFrameType, _ item: WorkerItem) {
        guard type == .error else { return }
        state.withLock { $0.complaint = String(buffer: item.body) }
        child.send(.kill)
    }

    func linkReadComplete() {}
    func linkWritable() {}
    /// There is nothing more to hear of it.
    func linkEnded(_ end: WorkerLinkEnd) { child.send(.kill) }
}
