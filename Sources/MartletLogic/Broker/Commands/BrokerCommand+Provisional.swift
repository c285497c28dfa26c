/// Answers that do not wait for the disk.
///
/// A crash may take back what they say, and nothing is lost by it: a message that was popped is in its queue again, one
/// that was written down as taken, or acknowledged, is served once more, as it is when its worker dies. Kombu's
/// consumers say such commands several times for each message. What a producer hands in and what a task resulted in
/// is told when it is durable.
extension BrokerCommand {
    func isProvisional(_ arguments: [Bytes]) -> Bool {
        switch self {
        case .own(.brpop), .own(.blpop), .data(.rpop), .data(.lpop): true
        case .own(.multi), .own(.ping), .own(.echo), .own(.select): true
        case .data(.zadd), .data(.zrem), .data(.hset), .data(.hdel): arguments.first.map(Self.isOfTaken) ?? false
        default: false
        }
    }

    /// Whether a key is one of those under which kombu writes down what was taken: `unacked` and `unacked_index`, with
    /// any prefix.
    private static func isOfTaken(_ key: Bytes) -> Bool {
        taken.contains { key.array.suffix($0.count).elementsEqual($0) }
    }

    private static let taken = ["unacked", "unacked_index"].map { Array($0.utf8) }
}
