/// A task to be published: protocol version 2, byte for byte as Celery's own producer writes it.
public struct OutgoingTask: Sendable, Hashable {
    public var id: String
    public var name: String
    /// A list.
    public var args: RawJSON
    /// An object.
    public var kwargs: RawJSON
    public var embed = TaskEmbed()
    /// nil: whoever publishes it routes it by its name.
    public var queue: String?
    /// Of a route that names an exchange; empty: straight to the queue.
    public var exchange = ""
    /// nil: the name of the queue.
    public var routingKey: String?
    /// 0, served first, to 9. nil: what the task is set to, else 0.
    public var priority: Int?
    /// Not before this time, in milliseconds since 1970.
    public var eta: Int64?
    /// From now, in milliseconds: for whoever has a clock and publishes it. Wins over ``eta``.
    public var countdown: Int64?
    /// Not after this time, in milliseconds since 1970.
    public var expires: Int64?
    public var retries = 0
    /// In seconds.
    public var hardLimit: Double?
    /// In seconds.
    public var softLimit: Double?
    public var group: String?
    public var groupIndex: Int?
    /// nil: the task itself.
    public var rootID: String?
    public var parentID: String?
    public var shadow: String?
    /// Where a producer waits for replies: an id of its process.
    public var replyTo = ""
    /// Who publishes it, such as `gen123@host`.
    public var origin = ""
    /// nil: what the task is set to.
    public var ignoreResult: Bool?
    public var replacedTaskNesting = 0
    public var stampedHeaders: [String]?
    public var stamps = RawObject()
    /// Headers beside Celery's own; of one name, these count.
    public var extraHeaders = RawObject()
    /// As Python shows the arguments; nil: made of them.
    public var argsText: String?
    public var kwargsText: String?

    public init(name: String, id: String, args: RawJSON = .emptyList, kwargs: RawJSON = .emptyObject) {
        self.name = name
        self.id = id
        self.args = args
        self.kwargs = kwargs
    }

    /// The message for the list ``listKey(default:)``.
    ///
    /// - Parameters:
    ///   - deliveryTag: Names this delivery; a UUID of its own for each.
    ///   - now: In milliseconds since 1970: what countdowns and expiry are counted from.
    ///   - queue: For a task that names no queue.
    public func message(deliveryTag: String, now: Int64, default queue: String = "celery") -> [UInt8] {
        let envelope = KombuEnvelope(
            exchange: exchange, routingKey: routingKey ?? self.queue ?? queue, deliveryMode: 2,
            deliveryTag: deliveryTag, priority: priority ?? 0)
        return envelope.bytes(
            body: body, headers: { writeHeaders(&$0, now: now) },
            properties: { writer in
                writer.put("\"correlation_id\": ")
                writer.write(id)
                writer.put(", \"reply_to\": ")
                writer.write(replyTo)
                writer.put(", ")
            },
            expiration: expires.map { max(0, $0.subtractingReportingOverflow(now).partialValue) })
    }

    /// The list that it belongs on.
    public func listKey(default queue: String = "celery") -> String {
        Self.listKey(queue: self.queue ?? queue, priority: priority ?? 0)
    }

    /// `cpu_queue`, or `cpu_queue\u{6}\u{16}3` and so on for the later steps of priority.
    public static func listKey(queue: String, priority: Int) -> String {
        let step = step(priority)
        return step == 0 ? queue : "\(queue)\u{6}\u{16}\(step)"
    }

    /// The steps of priority, each with a list of its own: 0, 3, 6, 9.
    public static let steps = [0, 3, 6, 9]

    /// The step of a priority; what is beyond 0 to 9 counts as the nearest.
    public static func step(_ priority: Int) -> Int {
        max(0, min(priority, 9)) / 3 * 3
    }

    /// `[args, kwargs, embed]`.
    private var body: [UInt8] {
        var writer = PythonJSON(reserving: args.bytes.count + kwargs.bytes.count + 96)
        writer.put("[")
        writer.write(args)
        writer.put(", ")
        writer.write(kwargs)
        writer.put(", ")
        embed.write(into: &writer)
        writer.put("]")
        return writer.bytes
    }
}
