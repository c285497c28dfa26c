import Foundation
import MartletBase
import MartletConsole
import MartletExchange
import MartletLogic
import MartletNet
import MartletTasks
import MartletWire
import NIOCore

/// `/tasks/ID`: what became of a task (`GET`; with `?wait=30s` when it is over, as events with
/// `Accept: text/event-stream`), and the end of it (`DELETE`).
final class TaskEndpoint: LocalHandler {
    static let path = TasksEndpoint.path + "/"
    private static let longestWait: Duration = .seconds(300)
    /// How long a stream may go on: then clients come again.
    private static let longestStream: Duration = .seconds(3000)
    /// Proxies take a stream for dead that says nothing.
    private static let pulse: Duration = .seconds(10)

    private let desk: TaskDesk

    init(_ desk: TaskDesk) {
        self.desk = desk
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        let parts = try request.parts(after: Self.path)
        guard parts.count == 1, TaskName.isValid(parts[0]) else { throw MartletError(.notFound) }
        switch request.method {
        case .get, .head: return try await show(parts[0], request)
        case .delete: return try await cancel(parts[0], request)
        default: throw MartletError.wrongMethod(allow: ["DELETE", "GET", "HEAD"])
        }
    }

    private func show(_ id: String, _ request: LocalRequest) async throws -> LocalResponse {
        let query = try RequestQuery(request, knows: ["wait", "state"])
        let wait = try query.duration("wait", upTo: Self.longestWait)
        if request.headers.value(.accept)?.lowercased().contains("text/event-stream") == true, request.method == .get {
            guard try await desk.task(id) != nil else { throw Self.unknown(id) }
            return stream(id)
        }
        let view: JSONValue?
        if let wait {
            view = try await desk.task(id, awaiting: query.text("state")?.uppercased(), within: wait)
        } else {
            view = try await desk.task(id)
        }
        guard let view else { throw Self.unknown(id) }
        return .json(view.text)
    }

    private static func unknown(_ id: String) -> MartletError {
        MartletError(.notFound, cause: "no task `\(id.prefix(64))` is known: it never was, or its result has expired")
    }

    private func cancel(_ id: String, _ request: LocalRequest) async throws -> LocalResponse {
        try request.mayChange()
        let query = try RequestQuery(request, knows: ["terminate"])
        let outcome = try await desk.cancel(id, terminate: try query.flag("terminate", or: true))
        let text: JSONValue = ["id": .string(id), "cancel": .string(outcome.rawValue)]
        // Workers are told: what they make of it is seen later.
        return .json(text.text, status: outcome == .told || outcome == .unknown ? 202 : 200)
    }

    // MARK: Events

    /// `state` whenever the task's state or progress is another one, `result` once it is over, then the end.
    private func stream(_ id: String) -> LocalResponse {
        let desk = self.desk
        var response = LocalResponse(contentType: "text/event-stream; charset=utf-8") { writer in
            let sayings = Sayings(writer)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while true {
                        try await Task.sleep(for: Self.pulse)
                        try await writer.write(ByteBuffer(string: ": still there\n\n"))
                    }
                }
                group.addTask {
                    let end = ContinuousClock.now + Self.longestStream
                    try await desk.follow(id, until: end) { view in try await sayings.say(view) }
                }
                try await group.next()
                group.cancelAll()
            }
        }
        response.headers = [("Cache-Control", "no-cache")]
        return response
    }

    /// What a client was told last.
    private actor Sayings {
        private let writer: LocalWriter
        private var last: JSONValue?

        init(_ writer: LocalWriter) {
            self.writer = writer
        }

        func say(_ view: JSONValue?) async throws -> TaskDesk.Following {
            guard let view else { return .over }
            var news: JSONValue = [:]
            for member in ["id", "state", "worker", "retries", "progress", "place", "error"] {
                news[member] = view[member] ?? .null
            }
            if news != last {
                last = news
                try await write("state", news)
            }
            guard view["ready"] == true else { return .goOn }
            try await write("result", view)
            return .over
        }

        private func write(_ event: String, _ data: JSONValue) async throws {
            try await writer.write(ByteBuffer(string: "event: \(event)\ndata: \(data.text)\n\n"))
        }
    }
}
