import Foundation
import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletTasks
import MartletWire
import NIOCore
import NIOPosix

/// A task as the command line hands it in.
package struct TaskOrder: Sendable {
    /// Of a task, such as `tasks.add`, or the path of a route.
    package var target: String
    /// Each as JSON, or a text.
    package var arguments: [String] = []
    /// Each as `name=value`.
    package var keywordArguments: [String] = []
    /// Of a route: JSON.
    package var body: String?
    package var queue: String?
    package var priority: Int?
    /// In seconds.
    package var countdown: Double?
    package var eta: String?
    /// In seconds.
    package var expires: Double?
    package var key: String?
    package var idempotencyKey: String?
    package var unique: String?
    package var maxRetries: Int?
    package var webhook: String?

    package init(target: String) {
        self.target = target
    }

    /// The body of `POST /tasks`.
    func json() throws(TaskMistake) -> JSONValue {
        var json: JSONValue = [:]
        if target.hasPrefix("/") {
            guard arguments.isEmpty, keywordArguments.isEmpty else {
                throw TaskMistake("a route has a --body, and no arguments")
            }
            json["route"] = .string(target)
            if let body {
                guard let value = (try? RawJSON(Array(body.utf8)))?.value else {
                    throw TaskMistake("--body is no JSON")
                }
                json["body"] = value
            }
        } else {
            guard body == nil else { throw TaskMistake("--body goes with a route, such as /v1/chat/completions") }
            json["task"] = .string(target)
            json["args"] = .array(arguments.map(Self.value))
            var named: [String: JSONValue] = [:]
            for pair in keywordArguments {
                guard let mark = pair.firstIndex(of: "="), mark > pair.startIndex else {
                    throw TaskMistake("'\(pair)' is not NAME=VALUE")
                }
                named[String(pair[..<mark])] = Self.value(String(pair[pair.index(after: mark)...]))
            }
            json["kwargs"] = .object(named)
        }
        for (name, text) in [
            ("queue", queue), ("eta", eta), ("key", key), ("unique", unique), ("webhook", webhook),
            ("idempotency_key", idempotencyKey),
        ] {
            if let text { json[name] = .string(text) }
        }
        for (name, number) in [("countdown", countdown), ("expires", expires)] {
            if let number { json[name] = .number(number) }
        }
        for (name, number) in [("priority", priority), ("max_retries", maxRetries)] {
            if let number { json[name] = .integer(Int64(number)) }
        }
        return json
    }

    /// What is JSON is that; everything else is a text.
    private static func value(_ text: String) -> JSONValue {
        (try? RawJSON(Array(text.utf8)))?.value ?? .string(text)
    }
}

/// `martlet task`: asks a server, or a broker itself. What it answers is for a person to read, or JSON.
package struct TaskTool: Sendable {
    /// Where a server is asked where nobody says it.
    package static let usualServer = "http://127.0.0.1:8080"

    private let way: any TaskWay
    private let isJSON: Bool

    /// - Parameters:
    ///   - server: A URL; nil: `MARTLET_SERVER`, or this machine's port 8080.
    ///   - broker: A `redis://` URL: it is asked in place of a server.
    ///   - isJSON: Whether answers are JSON.
    package init(server: String?, broker: String?, isJSON: Bool, environment: [String: String]) throws {
        self.isJSON = isJSON
        if let broker {
            way = BrokerWay(try RedisURL(broker))
        } else {
            let named = environment["MARTLET_SERVER"].flatMap { $0.isEmpty ? nil : $0 }
            way = try ServerWay(server ?? named ?? Self.usualServer, key: Keyed.key(in: environment))
        }
    }

    init(_ way: any TaskWay, isJSON: Bool) {
        (self.way, self.isJSON) = (way, isJSON)
    }

    /// Such as `30s`, or a number of seconds; nil: no time.
    package static func duration(_ text: String) -> Duration? { Duration(textOrSeconds: text) }

    /// - Parameter wait: how long to wait for the result; nil: not at all.
    package func submit(_ order: TaskOrder, wait: Duration?) async throws -> String {
        let answer = try await way.submit(try order.json())
        guard let id = answer["id"]?.words else { throw TaskMistake("the answer names no task: \(answer.text)") }
        guard let wait else { return isJSON ? answer.text : id }
        return try await get(id, wait: wait)
    }

    package func get(_ id: String, wait: Duration?) async throws -> String {
        guard let task = try await way.task(id, wait: wait) else { throw TaskMistake("no task '\(id)' is known") }
        return isJSON ? task.text : Self.lines(task)
    }

    package func cancel(_ id: String, terminate: Bool) async throws -> String {
        let outcome = try await way.cancel(id, terminate: terminate)
        if isJSON { return outcome.text }
        switch outcome["cancel"]?.words {
        case Cancellation.revoked.rawValue?: return "revoked: it waited, and will not run"
        case Cancellation.told.rawValue?: return "workers were told to stop it"
        case Cancellation.tooLate.rawValue?: return "too late: it is over"
        default: return "no task '\(id)' is known; workers were told all the same"
        }
    }

    /// Calls off all that fit, as many as one call does.
    package func cancel(state: String?, name: String?, queue: String?, terminate: Bool) async throws -> String {
        let answer = try await way.cancel(state: state, name: name, queue: queue, terminate: terminate)
        if isJSON { return answer.text }
        let rest = answer["more"] == true ? "; there are more: say it again" : ""
        return "\(answer["cancelled"]?.words ?? "0") were called off\(rest)"
    }

    package func list(state: String?, name: String?, queue: String?, limit: Int) async throws -> String {
        let page = try await way.list(state: state, name: name, queue: queue, limit: limit)
        guard !isJSON else { return page.text }
        guard case .array(let tasks)? = page["tasks"], !tasks.isEmpty else { return "none" }
        return tasks.map { task in
            ["id", "state", "queue", "name", "args"].map { task[$0]?.shown ?? "-" }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    package func replay(_ queue: String, ids: [String], limit: Int?) async throws -> String {
        var order: JSONValue = [:]
        if !ids.isEmpty { order["ids"] = .array(ids.map { .string($0) }) }
        if let limit { order["limit"] = .integer(Int64(limit)) }
        let answer = try await way.replay(queue, order)
        return isJSON ? answer.text : "\(answer["replayed"]?.words ?? "0") went back to \(queue)"
    }

    /// Who leads, then a line for each entry.
    package func cron() async throws -> String {
        let look = try await way.cron()
        guard !isJSON else { return look.text }
        guard case .array(let entries)? = look["entries"], !entries.isEmpty else { return "none" }
        let head = look["leader"]?.shown.map { "led by \($0)" } ?? "nobody leads"
        let lines = entries.map { entry in
            let texts = ["name", "schedule", "timezone", "task", "queue"].map { entry[$0]?.shown ?? "-" }
            let times = [("last", "last_run"), ("next", "next_run")].map { "\($0): \(entry[$1]?.shown ?? "-")" }
            return (texts + times).joined(separator: "  ")
        }
        return ([head] + lines).joined(separator: "\n")
    }

    /// Hands the task of an entry of cron in now.
    package func runCron(_ name: String) async throws -> String {
        guard let answer = try await way.runCron(name) else { throw TaskMistake("cron has no entry '\(name)'") }
        return isJSON ? answer.text : answer["id"]?.words ?? answer.text
    }

    private static func lines(_ task: JSONValue) -> String {
        let shown = ["id", "state", "name", "queue", "worker", "retries", "eta", "runtime", "date_done"]
        var lines = shown.compactMap { name in task[name]?.shown.map { "\(name): \($0)" } }
        if case .object? = task["place"], let queue = task["place"]?["queue"]?.words {
            let ahead = task["place"]?["ahead"]?.words ?? "0"
            let isDead = task["place"]?["dead"] == true
            let isScheduled = task["place"]?["scheduled"] == true
            let waits = isScheduled ? "waits for its time, for \(queue)" : "\(ahead) before it on \(queue)"
            lines.append("place: " + (isDead ? "dead letter of \(queue)" : waits))
        }
        if task["state"] == .string(TaskState.success) { lines.append("result: \(task["result"]?.text ?? "null")") }
        if let type = task["error"]?["type"]?.words {
            lines.append("error: \(type): \(task["error"]?["message"]?.shown ?? "")")
        }
        if let progress = task["progress"], progress != .null { lines.append("progress: \(progress.text)") }
        if let trace = task["traceback"]?.shown { lines.append(trace) }
        return lines.joined(separator: "\n")
    }
}

extension JSONValue {
    /// nil: there is nothing.
    fileprivate var shown: String? { self == .null ? nil : words }
}
