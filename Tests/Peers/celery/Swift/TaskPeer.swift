import Martlet

/// Tasks in Swift, as a user writes them, for stock Celery to send.
@main
struct TaskPeer {
    static func main() async throws {
        try await Martlet.serve(tasks: TaskOptions(queues: ["swift"], concurrency: 2, name: "peer@%h")) {
            TaskHandler("swift.add") { arguments, _ in
                try arguments.value("x", at: 0, as: Int.self) + arguments.value("y", at: 1, otherwise: 1)
            }
            TaskHandler("swift.flaky", backoff: .milliseconds(50)) { _, context in
                guard context.retries == 2 else { throw TaskRetry(reason: "away") }
                return context.retries
            }
            TaskHandler("swift.waits") { _, context in
                try await context.progress(["percent": 50])
                // Until the task is revoked.
                try await Task.sleep(for: .seconds(3600))
            }
            TaskHandler("swift.limited", hardLimit: .milliseconds(200)) { _, _ in
                try await Task.sleep(for: .seconds(3600))
            }
        }
    }
}
