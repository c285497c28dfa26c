import Foundation
import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletNet
import MartletTasks
import MartletWire
import MartletWorkers
import NIOCore

/// The tasks of an app, in its worker processes: each run is a request through the dispatcher, whose body is the
/// message as it was served. Cancelling it is a client that leaves, and the process is ended where it goes on.
struct PythonTasks: TaskExecutor {
    /// The group that runs them at present; a reload may bring another one.
    struct Home: Sendable {
        /// Of the pool, the group and its processes.
        let name: String
        let path: String
        let app: TaskAppSettings
    }

    /// Between two tries to give a task to a group that takes none at the moment.
    private static let pause: Duration = .milliseconds(100)

    let home: @Sendable () -> Home?
    let routes: RoutesInForce
    let caller: InnerCaller
    let backends: BackendService
    /// Reads the app again.
    let reload: @Sendable () async throws -> Void
    /// A Celery app says which of its tasks are acknowledged before they run.
    let acksAsApp: Bool

    var tasks: [TaskDescription] {
        home()?.app.tasks.map { TaskDescription($0, acksAsApp: acksAsApp) } ?? []
    }

    var processIDs: [Int] {
        guard let name = home()?.name else { return [] }
        return backends.status().filter { $0.backend == name && !$0.isOutgoing }.compactMap(\.pid).map { Int($0) }
    }

    func resize(to slots: Int) async {
        guard let name = home()?.name else { return }
        backends.resize(name, to: slots)
    }

    func restart() async throws { try await reload() }

    func run(_ run: TaskRun) async -> TaskOutcome { await ask(ProcessCall(run)).first ?? .cancelled }

    func run(batch: [TaskRun]) async -> [TaskOutcome] {
        var outcomes: [TaskOutcome] = []
        for call in ProcessCall.calls(batch) { outcomes += await ask(call) }
        return outcomes
    }

    /// One outcome for each of the call's runs.
    private func ask(_ call: ProcessCall) async -> [TaskOutcome] {
        while true {
            switch await attempt(call) {
            case .ended(let outcomes): return outcomes
            case .notTaken: guard (try? await Task.sleep(for: Self.pause)) != nil else { return call.all(.cancelled) }
            }
        }
    }

    private enum Attempt {
        case ended([TaskOutcome])
        /// No process has seen the task.
        case notTaken
    }

    private func attempt(_ call: ProcessCall) async -> Attempt {
        guard let path = home()?.path, let route = routes.innerRoute(to: path) else { return .notTaken }
        let request = LocalRequest(
            method: .post, path: path, query: "", headers: call.headers, body: call.body, clientAddress: "127.0.0.1")
        do {
            return try await caller.ask(route, request) { answer in
                var lines = ReportLines()
                for try await piece in answer.body {
                    for line in lines.add(piece) where answer.status == 200 {
                        if let progress = line["progress"] { await call.run(line["of"])?.progress(progress) }
                    }
                }
                guard answer.status == 200 else { return Self.refused(answer.status, lines.rest, call) }
                return .ended(call.outcomes(report: lines.rest))
            }
        } catch {
            return Self.broken(error, call)
        }
    }

    /// What a refusal of the group, or of what is before it, means.
    private static func refused(_ status: Int, _ body: ByteBuffer, _ call: ProcessCall) -> Attempt {
        let error = (try? RawJSON(Array(body.readableBytesView)))?["error"]
        let code = error?["code"]?.string ?? ""
        let message = error?["message"]?.string ?? "status \(status)"
        switch code {
        case ErrorCode.workerCrashed.text, ErrorCode.requestQuarantined.text:
            return .ended(call.all(.lost(reason: message)))
        case ErrorCode.noTarget.text, ErrorCode.queueFull.text, ErrorCode.queueTimeout.text, ErrorCode.noCapacity.text,
            ErrorCode.overloaded.text, ErrorCode.poolRemoved.text, ErrorCode.shuttingDown.text:
            return .notTaken
        default: return .ended(call.all(.failure(.workerLost(message), runtime: 0)))
        }
    }

    private static func broken(_ error: any Error, _ call: ProcessCall) -> Attempt {
        if Task.isCancelled || error is CancellationError { return .ended(call.all(.cancelled)) }
        guard let error = error as? MartletError else { return .ended(call.all(.lost(reason: "\(error)"))) }
        switch error.code {
        case .bodyTooLarge: return .ended(call.all(.failure(.workerLost(error.cause), runtime: 0)))
        case .shuttingDown: return .notTaken
        default: return .ended(call.all(.lost(reason: error.cause.isEmpty ? error.code.text : error.cause)))
        }
    }
}
