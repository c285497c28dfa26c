/// One of the lists in which kombu keeps a queue: there is one for each of four steps of priority.
package struct QueueList: Sendable, Hashable {
    /// The first is served first. A message of priority 4 is in the list of step 3.
    package static let steps = [0, 3, 6, 9]

    /// Between the queue's name and the step, in the keys of all steps but the first.
    private static let separator = "\u{06}\u{16}"

    package var queue: String
    package var step: Int
    /// The list's key, without what stands before all keys.
    package var key: String

    /// - Parameter step: one of `steps`.
    package init(queue: String, step: Int = 0) {
        self.queue = queue
        self.step = step
        key = step == 0 ? queue : queue + Self.separator + String(step)
    }

    /// All lists of some queues in the order in which Celery's workers look at them: what is urgent in any queue comes
    /// before what is not in another.
    package static func all(of queues: [String]) -> [QueueList] {
        steps.flatMap { step in queues.map { QueueList(queue: $0, step: step) } }
    }
}
