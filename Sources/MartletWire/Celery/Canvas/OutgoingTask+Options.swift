import MartletBase

extension OutgoingTask {
    /// Takes over the options of a signature, and what whoever publishes it says.
    ///
    /// - Throws: when what is to follow is not made of signatures.
    mutating func take(_ options: RawObject, _ context: CanvasContext) throws(WireError) {
        replyTo = context.replyTo
        origin = context.origin
        parentID = context.taskID
        rootID = context.rootID
        for member in options.members where !member.value.isNull {
            let value = member.value
            switch member.name {
            case "root_id": rootID = value.string ?? rootID
            case "parent_id": parentID = value.string ?? parentID
            case "group_id": group = value.string
            case "group_index": groupIndex = value.integer
            case "reply_to": replyTo = value.string ?? replyTo
            case "origin": origin = value.string ?? origin
            case "link": embed.callbacks = try Signature.list(value)
            case "link_error": embed.errbacks = try Signature.list(value)
            case "chain": embed.chain = try Signature.list(value)
            case "chord": embed.chord = try Signature(value)
            default: takeSetting(member.name, value, context)
            }
        }
        takeStamps(options)
    }

    private mutating func takeSetting(_ name: String, _ value: RawJSON, _ context: CanvasContext) {
        switch name {
        case "queue": queue = value.string ?? value["name"]?.string
        case "exchange": exchange = value.string ?? value["name"]?.string ?? ""
        case "routing_key": routingKey = value.string
        case "priority": priority = value.integer
        case "countdown": countdown = Self.milliseconds(value)
        case "eta": eta = Self.time(value)
        case "expires":
            expires =
                Self.time(value)
                ?? Self.milliseconds(value).map { $0.addingReportingOverflow(context.now).partialValue }
        case "time_limit": hardLimit = value.number
        case "soft_time_limit": softLimit = value.number
        case "retries": retries = value.integer ?? 0
        case "shadow": shadow = value.string
        case "ignore_result": ignoreResult = value.bool
        case "replaced_task_nesting": replacedTaskNesting = value.integer ?? 0
        case "headers": extraHeaders = RawObject(value) ?? RawObject()
        default: break
        }
    }

    private mutating func takeStamps(_ options: RawObject) {
        guard let names = options.present("stamped_headers")?.elements?.compactMap(\.string) else { return }
        stampedHeaders = names
        for name in names { stamps[name] = options[name] }
    }

    /// A time as text, or as kombu marks one: `{"__type__": "datetime", "__value__": …}`.
    private static func time(_ value: RawJSON) -> Int64? {
        (value.string ?? value["__value__"]?.string).flatMap { CeleryTime.milliseconds($0) }
    }

    /// Of seconds.
    private static func milliseconds(_ value: RawJSON) -> Int64? {
        value.number.flatMap { Int64(exactly: ($0 * 1000).rounded(.up)) }
    }
}

extension OutgoingTask {
    /// The same task once more, with all that follows it: what `retry` sends.
    ///
    /// - Parameters:
    ///   - eta: Not before this time, in milliseconds since 1970.
    public init(retrying message: TaskMessage, eta: Int64?, replyTo: String, origin: String) {
        self.init(name: message.name, id: message.id, args: message.args, kwargs: message.kwargs)
        embed = message.embed
        if message.exchange.isEmpty {
            queue = message.routingKey
        } else {
            (exchange, routingKey) = (message.exchange, message.routingKey)
        }
        priority = message.priority
        self.eta = eta
        expires = message.expires
        retries = message.retries + 1
        (hardLimit, softLimit) = (message.hardLimit, message.softLimit)
        (group, groupIndex) = (message.group, message.groupIndex)
        (rootID, parentID) = (message.rootID, message.parentID)
        shadow = message.shadow
        self.replyTo = message.replyTo ?? replyTo
        self.origin = message.origin ?? origin
        ignoreResult = message.ignoreResult
        replacedTaskNesting = message.replacedTaskNesting
        if !message.stampedHeaders.isEmpty { stampedHeaders = message.stampedHeaders }
        stamps = message.stamps.flatMap { RawObject($0) } ?? RawObject()
        argsText = message.argsText
        kwargsText = message.kwargsText
        for member in message.headers.members where !Self.ownHeaders.contains(member.name) {
            extraHeaders[member.name] = member.value
        }
    }

    /// Headers that a new message gets anew. That one was delivered before says nothing of the next.
    private static let ownHeaders: Set = [
        "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
        "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamped_headers",
        "stamps", "compression", "redelivered", "x-death", "delivery_info", "properties", "reply_to",
        "correlation_id", "hostname", "headers",
    ]
}
