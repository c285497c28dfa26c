/// One client's connection, unique in the life of the process.
public struct ClientID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public static func < (left: ClientID, right: ClientID) -> Bool { left.rawValue < right.rawValue }
    public var description: String { "\(rawValue)" }
}

/// Which RESP a client reads.
public enum ReplyVersion: Int, Sendable, Equatable {
    case two = 2
    case three
}

/// What the driver must do, in order.
public enum BrokerEffect: Sendable, Equatable {
    /// Write the answer to a command; not before the mutations that were appended until now are durable.
    case reply(ClientID, Answer, ReplyVersion)
    /// Write the answer to a command that says nothing for good (`BrokerCommand.isProvisional`): at once.
    case tell(ClientID, Answer, ReplyVersion)
    /// Write what nobody asked for now, an array: RESP3 calls it a push. Durable first, as a reply.
    case push(ClientID, Answer, ReplyVersion)
    /// A pop that waited was answered: the client's next commands may come.
    case resume(ClientID)
    /// Close the connection when what it was told is written, and say so with `closed`.
    case close(ClientID)
    /// Write a snapshot of the data.
    case snapshot
    /// For the log.
    case note(BrokerNote)
}

/// What happened to messages, for the log.
public enum BrokerNote: Sendable, Equatable {
    /// A worker is gone: what it had taken is in its queues again.
    case returned(count: Int, database: Int)
    /// A message was given to workers too often.
    case deadLettered(queue: Bytes, task: String, deliveries: Int)
}
