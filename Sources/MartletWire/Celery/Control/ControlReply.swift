/// What a worker answers to a command of remote control: Celery's shapes, so that its own tools can read them.
public enum ControlReply {
    /// The message for the list of whoever asked; nil: nobody waits for an answer.
    ///
    /// - Parameters:
    ///   - reply: What is said: one of the shapes below, or a list, or null.
    ///   - hostname: The node name of the worker.
    ///   - clock: The logical time.
    ///   - deliveryTag: A UUID of its own.
    public static func publication(
        _ reply: JSONValue, from hostname: String, to request: ControlRequest, clock: Int, deliveryTag: String
    ) -> (key: String, message: [UInt8])? {
        guard let address = request.replyTo else { return nil }
        let envelope = KombuEnvelope(
            exchange: address.exchange, routingKey: address.routingKey, deliveryMode: 1, deliveryTag: deliveryTag)
        let message = envelope.bytes(
            body: Array(RawJSON(.object([hostname: reply])).bytes),
            headers: { writer in
                writer.put("\"ticket\": ")
                writer.write(request.ticket)
                writer.put(", \"clock\": ")
                writer.write(clock)
            })
        return ("\(address.routingKey).\(address.exchange)", message)
    }

    public static func ok(_ text: String) -> JSONValue { ["ok": .string(text)] }

    /// Of a command that cannot be done, in words for whoever sent it.
    public static func error(_ text: String) -> JSONValue { ["error": .string(text)] }

    /// What Celery answers to a command that it does not know.
    public static func unknown(_ method: String) -> JSONValue { error("KeyError(\(PythonRepr.quoted(method)))") }

    public static var pong: JSONValue { ok("pong") }

    /// `active_queues`: a queue with all that Celery says of one. Flower's page of a worker reads every member.
    ///
    /// - Parameter exchange: What it is bound to; nil: an exchange of its own name.
    public static func queue(_ name: String, exchange: String? = nil, routingKey: String? = nil) -> JSONValue {
        let exchange: JSONValue = [
            "name": .string(exchange ?? name), "type": "direct", "arguments": .null, "durable": true, "passive": false,
            "auto_delete": false, "delivery_mode": .null, "no_declare": false,
        ]
        return [
            "name": .string(name), "exchange": exchange, "routing_key": .string(routingKey ?? name),
            "queue_arguments": .null, "binding_arguments": .null, "consumer_arguments": .null, "durable": true,
            "exclusive": false, "auto_delete": false, "no_ack": false, "alias": .null, "bindings": [],
            "no_declare": .null, "expires": .null, "message_ttl": .null, "max_length": .null,
            "max_length_bytes": .null, "max_priority": .null,
        ]
    }

    /// `active`, `reserved`, `query_task`: a task that a worker has.
    ///
    /// - Parameters:
    ///   - isSafe: Arguments as Python shows them, rather than as they are.
    ///   - startedAt: In seconds since 1970; nil: it does not run.
    ///   - processID: Of the process that runs it.
    public static func task(
        _ message: TaskMessage, hostname: String, isSafe: Bool, startedAt: Double?, isAcknowledged: Bool,
        processID: Int?
    ) -> JSONValue {
        [
            "id": .string(message.id), "name": .string(message.title),
            "args": isSafe ? .string(message.argsText) : message.args.value,
            "kwargs": isSafe ? .string(message.kwargsText) : message.kwargs.value, "type": .string(message.name),
            "hostname": .string(hostname), "time_start": startedAt.map { .number($0) } ?? .null,
            "acknowledged": .bool(isAcknowledged),
            "delivery_info": [
                "exchange": .string(message.exchange), "routing_key": .string(message.routingKey),
                "priority": .integer(Int64(message.priority)), "redelivered": .bool(message.isRedelivered),
            ],
            "worker_pid": processID.map { .integer(Int64($0)) } ?? .null,
        ]
    }

    /// `scheduled`: a task that waits for its time.
    ///
    /// - Parameter task: What ``task(_:hostname:isSafe:startedAt:isAcknowledged:processID:)`` says of it.
    public static func scheduled(_ message: TaskMessage, task: JSONValue) -> JSONValue {
        [
            "eta": message.eta.map { .string(CeleryTime.text(milliseconds: $0)) } ?? .null, "priority": 6,
            "request": task,
        ]
    }

    /// `revoke` and `terminate` without processes to be ended.
    public static func revoked(_ ids: [String]) -> JSONValue {
        ok("tasks {\(ids.sorted().map(PythonRepr.quoted).joined(separator: ", "))} flagged as revoked")
    }

    /// `revoke` with `terminate`, of the tasks that ran here.
    public static func terminated(_ ids: [String]) -> JSONValue {
        ok(ids.isEmpty ? "terminate: tasks unknown" : "terminate: \(ids.joined(separator: ", "))")
    }

    /// `autoscale`.
    public static func autoscale(maximum: Int, minimum: Int) -> JSONValue {
        ok("autoscale now max=\(maximum) min=\(minimum)")
    }

    /// `hello`, from another worker that starts: which tasks are revoked here.
    public static func hello(revoked: [String], clock: Int) -> JSONValue {
        ["revoked": .array(revoked.map { .string($0) }), "clock": .integer(Int64(clock))]
    }

    /// The texts of `ok` that commands are answered with, as Celery says them.
    public enum Text {
        public static let poolGrows = "pool will grow"
        public static let poolShrinks = "pool will shrink"
        public static let rateLimit = "new rate limit set successfully"
        public static let rateLimitOff = "rate limit disabled successfully"
        public static let timeLimits = "time limits set successfully"
        public static let eventsOn = "task events enabled"
        public static let eventsOnAlready = "task events already enabled"
        public static let eventsOff = "task events disabled"
        public static let eventsOffAlready = "task events already disabled"
        public static let reload = "reload started"
        public static func consumes(_ queue: String) -> String { "add consumer \(queue)" }
        public static func consumesNoMore(_ queue: String) -> String { "no longer consuming from \(queue)" }
    }
}
