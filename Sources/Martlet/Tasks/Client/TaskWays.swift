import Foundation
import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletTasks
import MartletWire
import NIOCore
import NIOPosix

/// How the command line reaches tasks.
protocol TaskWay: Sendable {
    func submit(_ body: JSONValue) async throws -> JSONValue
    func task(_ id: String, wait: Duration?) async throws -> JSONValue?
    func cancel(_ id: String, terminate: Bool) async throws -> JSONValue
    func cancel(state: String?, name: String?, queue: String?, terminate: Bool) async throws -> JSONValue
    func list(state: String?, name: String?, queue: String?, limit: Int) async throws -> JSONValue
    func replay(_ queue: String, _ order: JSONValue) async throws -> JSONValue
    func cron() async throws -> JSONValue
    /// nil: there is no such entry.
    func runCron(_ name: String) async throws -> JSONValue?
}

/// By a server's REST.
struct ServerWay: TaskWay {
    /// One question waits no longer; then it is asked again.
    private static let longestWait: Duration = .seconds(60)

    private let url: HTTPURL
    private let headers: [(name: String, value: String)]

    init(_ text: String, key: Secret?) throws {
        url = try HTTPURL(text)
        headers = [("Content-Type", "application/json")] + (key.map { [("X-API-Key", $0.exposed)] } ?? [])
    }

    func submit(_ body: JSONValue) async throws -> JSONValue {
        try await ask(.post, "/tasks", body: body).json
    }

    func task(_ id: String, wait: Duration?) async throws -> JSONValue? {
        let end = wait.map { ContinuousClock.now + $0 }
        while true {
            let left = end.map { min(max(.zero, ContinuousClock.now.duration(to: $0)), Self.longestWait) }
            let query = left.flatMap { $0 > .zero ? "?wait=\($0.inSeconds)" : nil } ?? ""
            let reply = try await ask(.get, "/tasks/\(Self.part(id))\(query)", waiting: left ?? .zero, allowing: 404)
            guard reply.status != 404 else { return nil }
            guard reply.json["ready"] != true, let end, ContinuousClock.now < end else { return reply.json }
        }
    }

    func cancel(_ id: String, terminate: Bool) async throws -> JSONValue {
        try await ask(.delete, "/tasks/\(Self.part(id))?terminate=\(terminate)").json
    }

    func cancel(state: String?, name: String?, queue: String?, terminate: Bool) async throws -> JSONValue {
        try await ask(.delete, Self.tasks("terminate=\(terminate)", state: state, name: name, queue: queue)).json
    }

    func list(state: String?, name: String?, queue: String?, limit: Int) async throws -> JSONValue {
        try await ask(.get, Self.tasks("limit=\(limit)", state: state, name: name, queue: queue)).json
    }

    func replay(_ queue: String, _ order: JSONValue) async throws -> JSONValue {
        try await ask(.post, "/queues/\(Self.part(queue))/dead/replay", body: order).json
    }

    func cron() async throws -> JSONValue {
        let reply = try await ask(.get, "/cron", allowing: 404)
        guard reply.status != 404 else { throw TaskMistake("\(url) has no `tasks.cron` in its configuration") }
        return reply.json
    }

    func runCron(_ name: String) async throws -> JSONValue? {
        let reply = try await ask(.post, "/cron/\(Self.part(name))/run", allowing: 404)
        return reply.status == 404 ? nil : reply.json
    }

    /// The path of those that fit.
    private static func tasks(_ first: String, state: String?, name: String?, queue: String?) -> String {
        let asked = [("state", state), ("name", name), ("queue", queue)].compactMap { key, value in
            value.map { "&\(key)=\(part($0))" }
        }
        return "/tasks?" + first + asked.joined()
    }

    private static func part(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: plain) ?? text
    }

    private static let plain = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

    private func ask(
        _ method: MartletWire.Method, _ path: String, body: JSONValue? = nil, waiting: Duration = .zero,
        allowing allowed: Int? = nil
    ) async throws -> (status: Int, json: JSONValue) {
        let resolver = NameResolver()
        defer { resolver.shutdown() }
        let client = HTTPClient(group: MultiThreadedEventLoopGroup.singleton, resolver: resolver)
        let reply = try await client.request(
            method, HTTPURL(origin: url.origin, path: path), headers: headers, body: body.map { Array($0.text.utf8) },
            timeout: waiting + .seconds(30), maxBody: 64 << 20)
        let json = (try? RawJSON(reply.body))?.value ?? .null
        guard (200..<300).contains(reply.status) || reply.status == allowed else {
            let text = json["error"]?["message"]?.words ?? String(decoding: reply.body.prefix(500), as: UTF8.self)
            throw TaskMistake("\(url): status \(reply.status): \(text)")
        }
        return (reply.status, json)
    }
}

/// By a broker itself.
struct BrokerWay: TaskWay {
    private let url: RedisURL

    init(_ url: RedisURL) {
        self.url = url
    }

    func submit(_ body: JSONValue) async throws -> JSONValue {
        let submission = try TaskSubmission(body, now: TaskDesk.nowMilliseconds)
        return try await asking { desk in
            Self.json(try await desk.submit(submission))
        }
    }

    func task(_ id: String, wait: Duration?) async throws -> JSONValue? {
        try await asking { desk in
            guard let wait else { return try await desk.task(id) }
            return try await desk.task(id, awaiting: nil, within: wait)
        }
    }

    func cancel(_ id: String, terminate: Bool) async throws -> JSONValue {
        try await asking { desk in
            let outcome = try await desk.cancel(id, terminate: terminate)
            return ["id": .string(id), "cancel": .string(outcome.rawValue)]
        }
    }

    func cancel(state: String?, name: String?, queue: String?, terminate: Bool) async throws -> JSONValue {
        let filter = TaskFilter(state: state?.uppercased(), name: name, queue: queue)
        return try await asking { desk in
            try await desk.cancel(filter, limit: TaskDesk.mostCancelled, terminate: terminate)
        }
    }

    /// A broker remembers no tasks but those that wait.
    func list(state: String?, name: String?, queue: String?, limit: Int) async throws -> JSONValue {
        if let state, state.uppercased() != TaskState.pending {
            throw TaskMistake("only a server remembers tasks that do not wait: ask one with --server")
        }
        return try await asking { desk in
            let queues = if let queue { [queue] } else { try await desk.queueNames() }
            var tasks: [JSONValue] = []
            for queue in queues where tasks.count < limit {
                let page = try await desk.waiting(on: queue, after: 0, limit: limit - tasks.count)
                guard case .array(let found)? = page["tasks"] else { continue }
                tasks += found.filter { task in name.map { task["name"]?.words.contains($0) ?? false } ?? true }
            }
            return ["tasks": .array(tasks), "next": .null]
        }
    }

    func replay(_ queue: String, _ order: JSONValue) async throws -> JSONValue {
        let (ids, limit) = try ReplayOrder.read(Array(order.text.utf8))
        return try await asking { desk in
            let replayed = try await desk.replay(queue, ids: ids, limit: limit)
            return [
                "queue": .string(queue), "replayed": .integer(Int64(replayed.count)),
                "ids": .array(replayed.map { .string($0) }),
            ]
        }
    }

    /// What whoever leads has written down.
    func cron() async throws -> JSONValue {
        try await asking { desk in try await desk.cron() }
    }

    func runCron(_ name: String) async throws -> JSONValue? {
        try await asking { desk in try await desk.runCron(name).map(Self.json) }
    }

    private static func json(_ task: SubmittedTask) -> JSONValue {
        ["id": .string(task.id), "queue": .string(task.queue), "duplicate": .bool(!task.isNew)]
    }

    private func asking<Value: Sendable>(_ body: (TaskDesk) async throws -> Value) async throws -> Value {
        let logger = Logger(label: "martlet.task") { _ in SwiftLogNoOpLogHandler() }
        let broker = TaskBroker(url, on: MultiThreadedEventLoopGroup.singleton, logger: logger)
        var settings = TaskDeskSettings()
        settings.database = url.database
        do {
            let value = try await body(TaskDesk(broker: broker, settings: settings, logger: logger))
            await broker.close()
            return value
        } catch {
            await broker.close()
            throw error
        }
    }
}
