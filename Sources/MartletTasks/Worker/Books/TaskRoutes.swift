import Synchronization

/// In which queues tasks are put that name none.
final class TaskRoutes: Sendable {
    let usual: String
    private let queues = Mutex<[String: String]>([:])

    init(default queue: String) { usual = queue }

    func adopt(_ known: [String: String]) { queues.withLock { $0 = known } }

    func queue(of name: String) -> String { queues.withLock { $0[name] } ?? usual }
}
