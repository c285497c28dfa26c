/// What a key of a broker is to who copies the broker.
enum CopyKind: Sendable, Equatable {
    /// What workers took and did not acknowledge: the messages go back to their queues.
    case taken
    /// Messages, or what looks like a list of them: each is copied once, whoever has it.
    case list
    /// Which lists are queues.
    case bindings
    /// A result of a task, or what a group or a chord has so far.
    case result
    /// Anything else: copied as it is, where nothing is there yet.
    case other
    /// What means something to the processes of one broker alone: locks, indexes, leases, replies on their way.
    case left

    /// Messages that were copied to where this is, by list and tag: copying again finds what is new.
    static let mark = "martlet.copied"

    /// - Parameters:
    ///   - key: with whatever stands before the names of all keys (`global_keyprefix`).
    ///   - type: as `TYPE` says it.
    static func of(_ key: String, type: String) -> CopyKind {
        if key.hasSuffix("unacked"), type == "hash" { return .taken }
        if leftSuffixes.contains(where: { key.hasSuffix($0) }) { return .left }
        if key.contains("_kombu.binding") { return key.hasSuffix("celeryev") ? .left : .bindings }
        if type == "list" { return .list }
        if resultMarks.contains(where: { key.contains($0) }) { return .result }
        return .other
    }

    private static let resultMarks = ["celery-task-meta-", "celery-taskset-meta-"]
    private static let leftSuffixes = [
        "unacked_index", "unacked_mutex", "martlet.leases", "martlet.lease", "martlet.deliveries", mark, ".pidbox",
    ]

    /// What stands before the names of all keys, of the key of taken messages.
    static func prefix(ofTaken key: String) -> String { String(key.dropLast("unacked".count)) }
}

/// Which queue messages went to that are in nobody's list now.
struct CopyPlaces: Sendable {
    private static let separator = "\u{6}\u{16}"

    /// By exchange and routing key: the queue.
    private var queues: [String: [String: String]] = [:]

    /// Takes in a set of bindings: `_kombu.binding.EXCHANGE`, whose members are routing key, pattern and queue.
    mutating func add(_ members: [String], of key: String) {
        guard let exchange = QueueBinding.exchange(of: key) else { return }
        for (routingKey, queue) in members.compactMap({ QueueBinding.parts(of: $0) }) {
            queues[exchange, default: [:]][routingKey] = queue
        }
    }

    /// The list of a message's queue; nil: nobody says which it is.
    func list(exchange: String, routingKey: String, priority: Int, prefix: String) -> String? {
        let queue = exchange.isEmpty ? routingKey : queues[exchange]?[routingKey]
        guard let queue, !queue.isEmpty else { return nil }
        let step = [9, 6, 3].first { priority >= $0 }
        return prefix + queue + (step.map { "\(Self.separator)\($0)" } ?? "")
    }
}
