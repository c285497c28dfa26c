import MartletBase

/// A command of remote control, as `celery inspect`, `celery control` and Flower send it to all workers.
public struct ControlRequest: Sendable, Hashable {
    /// Where the answer goes.
    public struct ReplyAddress: Sendable, Hashable {
        public var exchange: String
        /// Names the client: the queue of the same name before `.reply.celery.pidbox` is its own.
        public var routingKey: String
    }

    /// Such as `ping`.
    public var method: String
    /// An object.
    public var arguments: JSONValue
    /// The node names of those that are meant; nil: all, or as the pattern says.
    public var destination: [String]?
    public var pattern: String?
    /// How the pattern is to be read: `glob` or `pcre`.
    public var matcher: String?
    /// Names this request: the answer carries it.
    public var ticket: String?
    /// nil: nobody waits for an answer.
    public var replyTo: ReplyAddress?
    /// The logical time when it was sent.
    public var clock: Int
    /// Nobody waits after this time, in seconds since 1970; nil: no such time.
    public var expires: Double?

    /// Where the requests arrive.
    ///
    /// - Parameter database: The number of the database that the broker's URL names.
    public static func channel(database: Int = 0) -> String { "/\(database).celery.pidbox" }

    /// - Throws: when the bytes are no envelope of a request.
    public init(_ envelope: [UInt8]) throws(WireError) {
        let message = try KombuMessage(envelope)
        let body = message.body
        guard let method = body["method"]?.string else { throw WireError(.invalidBody, "a request without a method") }
        self.method = method
        arguments = body["arguments"].flatMap { $0.isObject ? $0.value : nil } ?? .object([:])
        destination = body["destination"]?.elements.flatMap { $0.isEmpty ? nil : $0.compactMap(\.string) }
        pattern = body["pattern"]?.string
        matcher = body["matcher"]?.string
        ticket = body["ticket"]?.string
        if let address = body["reply_to"], let exchange = address["exchange"]?.string,
            let key = address["routing_key"]?.string
        {
            replyTo = ReplyAddress(exchange: exchange, routingKey: key)
        }
        clock = message.headers["clock"]?.integer ?? 0
        expires = message.headers["expires"]?.number.flatMap { $0 > 0 ? $0 : nil }
    }

    /// Whether the worker of this node name is to answer.
    public func isMeant(for hostname: String) -> Bool {
        if let destination { return destination.contains(hostname) }
        guard let pattern, !pattern.isEmpty, let matcher, !matcher.isEmpty else { return true }
        return switch matcher {
        case "glob": NodePattern.glob(hostname, pattern)
        case "pcre": NodePattern.expression(hostname, pattern)
        default: false
        }
    }
}
