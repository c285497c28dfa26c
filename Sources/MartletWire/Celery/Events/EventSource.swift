/// Who tells events: a worker, by its node name.
public struct EventSource: Sendable, Hashable {
    /// Celery puts at most so many events of tasks into one message.
    public static let batch = 24

    /// Such as `w1@host`.
    public var hostname: String
    public var processID: Int
    /// How many hours the local time is behind UTC.
    public var utcOffset: Double

    public init(hostname: String, processID: Int, utcOffset: Double = 0) {
        self.hostname = hostname
        self.processID = processID
        self.utcOffset = utcOffset
    }

    /// The event with what every event says.
    ///
    /// - Parameters:
    ///   - clock: The logical time.
    ///   - timestamp: In seconds since 1970.
    public func stamp(_ event: TaskEvent, clock: Int, timestamp: Double) -> StampedEvent {
        var writer = PythonJSON(reserving: 400)
        writer.put("{\"hostname\": ")
        writer.write(hostname)
        writer.put(", \"utcoffset\": ")
        writer.write(utcOffset)
        writer.put(", \"pid\": ")
        writer.write(processID)
        writer.put(", \"clock\": ")
        writer.write(clock)
        for member in event.fields.members {
            writer.put(", ")
            writer.write(member.name)
            writer.put(": ")
            writer.write(member.value)
        }
        writer.put(", \"timestamp\": ")
        writer.write(timestamp)
        writer.put(", \"type\": ")
        writer.write(event.type)
        writer.put("}")
        return StampedEvent(type: event.type, bytes: writer.bytes)
    }

    /// The message that tells one event, and the channel that it goes to.
    ///
    /// - Parameters:
    ///   - deliveryTag: A UUID of its own.
    ///   - database: The number of the database that the broker's URL names; pub/sub knows no databases.
    public func publication(
        _ event: StampedEvent, deliveryTag: String, database: Int = 0
    ) -> (channel: String, message: [UInt8]) {
        publication(event.bytes, key: event.type.replacing("-", with: "."), deliveryTag, database)
    }

    /// The message that tells many events of one group, `task` as a rule, at once; ``batch`` of them at most.
    public func publication(
        _ events: [StampedEvent], deliveryTag: String, database: Int = 0
    ) -> (channel: String, message: [UInt8]) {
        var body = PythonJSON(reserving: events.reduce(2) { $0 + $1.bytes.count + 2 })
        body.write(list: events) { $0.put($1.bytes) }
        let group = events.first?.type.prefix { $0 != "-" } ?? "task"
        return publication(body.bytes, key: "\(group).multi", deliveryTag, database)
    }

    private func publication(
        _ body: [UInt8], key: String, _ deliveryTag: String, _ database: Int
    ) -> (channel: String, message: [UInt8]) {
        let envelope = KombuEnvelope(
            exchange: "celeryev", routingKey: key, deliveryMode: 1, deliveryTag: deliveryTag)
        let message = envelope.bytes(
            body: body,
            headers: { writer in
                writer.put("\"hostname\": ")
                writer.write(hostname)
            })
        return ("/\(database).celeryev/\(key)", message)
    }
}

/// An event that is ready to be told.
public struct StampedEvent: Sendable, Hashable {
    public let type: String
    let bytes: [UInt8]
}

extension TaskEvent {
    /// The events in a message of the channel `/0.celeryev/…`: one, or a batch.
    ///
    /// - Returns: The fields of each, `type`, `hostname` and `timestamp` among them; empty when it holds none.
    public static func events(in envelope: [UInt8]) -> [RawObject] {
        guard let message = try? KombuMessage(envelope) else { return [] }
        guard let elements = message.body.elements else { return RawObject(message.body).map { [$0] } ?? [] }
        return elements.compactMap { RawObject($0) }
    }
}
