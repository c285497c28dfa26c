import MartletBase
package import MartletExchange
import MartletLogic
import MartletNet
package import MartletTasks
import MartletWire
import NIOCore

/// What the page of tasks reads and does, below `/tasks/`: `overview` (JSON, or events with
/// `Accept: text/event-stream`), `list`, `waiting`, `dead`, `task/ID`; `POST` to `cancel` and `replay`.
package final class TasksConsoleEndpoint: LocalHandler {
    package static let path = "/tasks/"
    private static let mostListed = 200
    private static let pace: Duration = .seconds(1)
    /// Proxies take a stream for dead that says nothing for long.
    private static let pulses = 10
    /// Then the page asks again.
    private static let longestStream: Duration = .seconds(3000)

    private let desk: TaskDesk

    package init(_ desk: TaskDesk) {
        self.desk = desk
    }

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        let parts = try request.parts(after: Self.path)
        switch (parts.first, parts.count) {
        case ("overview", 1): return try await overview(request)
        case ("list", 1): return try await list(request)
        case ("waiting", 1):
            let (queue, offset, limit) = try Self.page(request)
            return .json(try await desk.waiting(on: queue, after: offset, limit: limit).text)
        case ("dead", 1):
            let (queue, offset, limit) = try Self.page(request)
            return .json(try await desk.deadLetters(of: queue, after: offset, limit: limit).text)
        case ("task", 2):
            try request.must(be: .get)
            guard let task = try await desk.task(parts[1]) else {
                throw MartletError(.notFound, cause: "no task `\(parts[1].prefix(64))` is known")
            }
            return .json(task.text)
        case ("cancel", 1): return try await cancel(request)
        case ("replay", 1): return try await replay(request)
        default: throw MartletError(.notFound)
        }
    }

    private static func page(_ request: LocalRequest) throws(MartletError) -> (String, Int, Int) {
        try request.must(be: .get)
        let query = try RequestQuery(request, knows: ["queue", "next", "limit"])
        guard let queue = query.text("queue"), TaskName.isValid(queue) else {
            throw MartletError(.badRequest, cause: "say which one: ?queue=NAME")
        }
        return (
            queue, try query.count("next", in: 0...Int(Int32.max), or: 0),
            try query.count("limit", in: 1...mostListed, or: 50)
        )
    }

    private func list(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        let query = try RequestQuery(
            request, knows: ["state", "name", "queue", "search", "since", "until", "next", "limit"])
        let filter = try query.taskFilter()
        let limit = try query.count("limit", in: 1...Self.mostListed, or: 50)
        let before = query.text("next").flatMap { UInt64($0) }
        return .json(try await desk.tasks(filter, before: before, limit: limit).text)
    }

    // MARK: Live

    private func overview(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        guard request.headers.value(.accept)?.lowercased().contains("text/event-stream") == true else {
            return .json(try await desk.overview().text)
        }
        let desk = self.desk
        var response = LocalResponse(contentType: "text/event-stream; charset=utf-8") { writer in
            var last = ""
            var quiet = 0
            let end = ContinuousClock.now + Self.longestStream
            while ContinuousClock.now < end {
                let text = try await Self.event(desk)
                quiet = text == last ? quiet + 1 : 0
                if text != last {
                    last = text
                    try await writer.write(ByteBuffer(string: text))
                } else if quiet % Self.pulses == 0 {
                    try await writer.write(ByteBuffer(string: ": still there\n\n"))
                }
                try await Task.sleep(for: Self.pace)
            }
        }
        response.headers = [("Cache-Control", "no-cache")]
        return response
    }

    /// What there is to see, or why there is nothing: a broker that is away comes back.
    private static func event(_ desk: TaskDesk) async throws -> String {
        do {
            var overview = try await desk.overview()
            overview["version"] = .integer(Int64(clamping: desk.version))
            return "event: overview\ndata: \(overview.text)\n\n"
        } catch let error as MartletError {
            let text = error.cause.isEmpty ? error.code.sentence : error.cause
            return "event: trouble\ndata: \(JSONText.quoted(text))\n\n"
        }
    }

    // MARK: Commands

    private func cancel(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mustComeFromThePage()
        guard case .object(let members)? = JSONValue(parsing: request.body), case .string(let id)? = members["id"],
            TaskName.isValid(id)
        else { throw MartletError(.invalidBody, cause: #"the body is not {"id": …}"#) }
        let outcome = try await desk.cancel(id)
        return .json(JSONValue.object(["id": .string(id), "cancel": .string(outcome.rawValue)]).text)
    }

    private func replay(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mustComeFromThePage()
        guard case .object(var members)? = JSONValue(parsing: request.body),
            case .string(let queue)? = members.removeValue(forKey: "queue"), TaskName.isValid(queue)
        else { throw MartletError(.invalidBody, cause: #"the body is not {"queue": …, "ids": […]}"#) }
        let (ids, limit) = try ReplayOrder.read(Array(JSONValue.object(members).text.utf8))
        let replayed = try await desk.replay(queue, ids: ids, limit: limit)
        return .json(
            JSONValue.object(["queue": .string(queue), "replayed": .integer(Int64(replayed.count))]).text)
    }
}

extension JSONValue {
    fileprivate init?(parsing body: ByteBuffer) {
        guard let json = try? RawJSON(Array(buffer: body)) else { return nil }
        self = json.value
    }
}

extension LocalRequest {
    /// A command of the console's own page, or of a program: POST, JSON, and from no other page. A form of another site
    /// can reach loopback, but not as JSON, and a browser says where it comes from.
    fileprivate func mustComeFromThePage() throws(MartletError) {
        try must(be: .post)
        let type = headers.value(.contentType)?.lowercased() ?? ""
        guard type.hasPrefix("application/json") else {
            throw MartletError(.badRequest, cause: "send application/json")
        }
        if let site = headers.value(named: "sec-fetch-site"), site != "same-origin", site != "none" {
            throw MartletError(.unauthorized, cause: "only the console's own page may do this")
        }
        guard let origin = headers.value(.origin)?.lowercased() else { return }
        let host = headers.value(.host)?.lowercased() ?? ""
        guard !host.isEmpty, ["http://\(host)", "https://\(host)"].contains(origin) else {
            throw MartletError(.unauthorized, cause: "only the console's own page may do this")
        }
    }
}
