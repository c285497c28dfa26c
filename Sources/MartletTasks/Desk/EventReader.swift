import Foundation
import MartletLogic
import MartletWire

/// Reads what workers publish of themselves and of their tasks: one event or a list of them in each message.
enum EventReader {
    enum Event: Sendable, Equatable {
        case task(TaskNews)
        case worker(WorkerNews)
    }

    private static let taskStates = [
        "task-sent": TaskState.pending, "task-received": TaskState.received, "task-started": TaskState.started,
        "task-succeeded": TaskState.success, "task-failed": TaskState.failure, "task-retried": TaskState.retry,
        "task-revoked": TaskState.revoked, "task-rejected": TaskState.rejected, "task-progress": "PROGRESS",
    ]

    /// A clock that says anything else is wrong.
    private static let times = 0.0...1e11

    /// The events of a message as kombu publishes it; none where it is something else.
    static func read(_ message: [UInt8]) -> [Event] {
        guard let envelope = JSONValue.parsed(message), case .string(let text)? = envelope["body"] else { return [] }
        var body = Array(text.utf8)
        if envelope["properties"]?["body_encoding"] == "base64" {
            guard let decoded = Data(base64Encoded: text) else { return [] }
            body = Array(decoded)
        }
        switch JSONValue.parsed(body) {
        case .array(let events)?: return events.prefix(1000).compactMap(event)
        case let event?: return self.event(event).map { [$0] } ?? []
        case nil: return []
        }
    }

    private static func event(_ event: JSONValue) -> Event? {
        guard case .string(let type)? = event["type"], let time = event["timestamp"]?.double, times.contains(time)
        else { return nil }
        let host = event["hostname"]?.plainText
        if let state = taskStates[type] {
            guard let id = event["uuid"]?.plainText, TaskName.isValid(id) else { return nil }
            let worker = type == "task-sent" ? nil : host
            return .task(task(event, TaskNews(id: id, state: state, time: time, worker: worker)))
        }
        guard type.hasPrefix("worker-"), let kind = WorkerNews.Kind(rawValue: String(type.dropFirst(7))), let host,
            TaskName.isValid(host)
        else { return nil }
        var news = WorkerNews(kind, name: host, time: time)
        news.interval = event["freq"]?.double
        news.active = event["active"]?.int
        news.processed = event["processed"]?.int
        if case .array(let load)? = event["loadavg"] { news.load = load.compactMap(\.double) }
        let software = ["sw_ident", "sw_ver"].compactMap { event[$0]?.plainText }.joined(separator: " ")
        news.software = software.isEmpty ? nil : String(software.prefix(100))
        news.processID = event["pid"]?.int
        return .worker(news)
    }

    private static func task(_ event: JSONValue, _ empty: TaskNews) -> TaskNews {
        var news = empty
        news.name = event["name"]?.plainText
        news.queue = event["queue"]?.plainText
        news.arguments = event["args"]?.plainText
        news.keywordArguments = event["kwargs"]?.plainText
        news.eta = event["eta"]?.plainText
        news.expires = event["expires"]?.plainText
        news.retries = event["retries"]?.int
        news.parent = event["parent_id"]?.plainText
        news.root = event["root_id"]?.plainText
        news.result = event["result"]?.plainText
        news.exception = event["exception"]?.plainText
        news.traceback = event["traceback"]?.plainText
        news.runtime = event["runtime"]?.double
        return news
    }
}
