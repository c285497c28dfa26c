/// What the broker knows of a message of Celery: read by the driver's reader, because bytes of messages are another
/// room's concern.
public struct BrokerMessage: Sendable, Equatable {
    /// Unique for each message; a message that is given back keeps it.
    public var tag: Bytes
    /// The task's id; empty: the message is no task.
    public var task: String
    /// Not to be served before this time, in milliseconds since 1970.
    public var eta: Int64?
    /// It was delivered before, and given back.
    public var isRedelivered: Bool
    /// The exchange and the routing key it was sent to.
    public var exchange: Bytes
    public var routingKey: Bytes
    /// 0 is served first.
    public var priority: Int

    public init(
        tag: Bytes, task: String = "", eta: Int64? = nil, isRedelivered: Bool = false, exchange: Bytes = "",
        routingKey: Bytes = "", priority: Int = 0
    ) {
        self.tag = tag
        self.task = task
        self.eta = eta
        self.isRedelivered = isRedelivered
        self.exchange = exchange
        self.routingKey = routingKey
        self.priority = priority
    }

    public var isTask: Bool { !task.isEmpty }

    /// The list it is sent to when it is sent to a queue itself; nil: an exchange decided.
    var usualList: Bytes? { exchange.isEmpty ? Bindings.list(routingKey, priority: priority) : nil }

    /// What some bytes are.
    public enum Reading: Sendable, Equatable {
        case message(BrokerMessage)
        /// It was meant to be a message, and what is wrong with it.
        case broken(String)
        /// No message, and why not.
        case foreign(String)
    }
}

/// Reads messages. Pure functions: the same bytes are always the same message.
public struct MessageReader: Sendable {
    /// Of bytes on a list.
    public var read: @Sendable (Bytes) -> BrokerMessage.Reading
    /// The message in what a consumer writes down when it takes one; nil: it is something else.
    public var taken: @Sendable (Bytes) -> Bytes?
    /// What a consumer writes down when it takes a message.
    public var reservation: @Sendable (Bytes, BrokerMessage) -> Bytes
    /// The same message, marked as one that was delivered before.
    public var redelivered: @Sendable (Bytes) -> Bytes

    public init(
        read: @escaping @Sendable (Bytes) -> BrokerMessage.Reading, taken: @escaping @Sendable (Bytes) -> Bytes?,
        reservation: @escaping @Sendable (Bytes, BrokerMessage) -> Bytes,
        redelivered: @escaping @Sendable (Bytes) -> Bytes
    ) {
        self.read = read
        self.taken = taken
        self.reservation = reservation
        self.redelivered = redelivered
    }
}
