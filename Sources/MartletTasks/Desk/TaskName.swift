/// Names of tasks, queues and keys: what may be part of a key of the broker's.
package enum TaskName {
    /// The queue of requests that are answered later.
    package static let requestQueue = "martlet.requests"

    /// 1 to 255 bytes, none of them a control character.
    package static func isValid(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }

    /// Whether a queue that tasks are handed in for can be called so: what Celery, kombu and this broker keep under
    /// names of their own, dead letters among it, is no such queue.
    package static func isQueue(_ text: String) -> Bool {
        text == requestQueue
            || !(text.hasSuffix(".dead") || text.hasSuffix("pidbox") || own.contains { text.hasPrefix($0) })
    }

    private static let own = ["unacked", "_kombu.", "celeryev", "celery-task", "martlet.", "martlet-"]
}
