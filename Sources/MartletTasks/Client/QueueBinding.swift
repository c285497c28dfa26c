/// How kombu makes queues known: a set for each exchange, whose members are routing key, pattern and queue.
enum QueueBinding {
    private static let prefix = "_kombu.binding."
    private static let separator = "\u{06}\u{16}"

    /// The set of an exchange; that of a queue which is sent to directly has the queue's name.
    static func key(_ exchange: String) -> String { prefix + exchange }

    /// What that set holds of such a queue.
    static func member(_ queue: String) -> String { [queue, "", queue].joined(separator: separator) }

    /// The exchange of a set; nil: the key is of something else.
    ///
    /// - Parameter key: also with what stands before all keys.
    static func exchange(of key: String) -> String? {
        key.firstRange(of: prefix).map { String(key[$0.upperBound...]) }
    }

    /// A member's routing key and queue; nil: it is none.
    static func parts(of member: String) -> (routingKey: String, queue: String)? {
        let parts = member.split(separator: separator, omittingEmptySubsequences: false)
        return parts.count == 3 && !parts[2].isEmpty ? (String(parts[0]), String(parts[2])) : nil
    }
}
