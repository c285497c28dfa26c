/// A message as kombu puts it on a list: what of it a broker must know. The rest is passed on as it is.
///
/// Messages that are no tasks travel the same way: replies of remote control, events.
public struct CeleryEnvelope: Sendable, Equatable {
    public var deliveryTag: String
    public var exchange: String
    public var routingKey: String
    /// 0 is served first.
    public var priority: Int
    /// It was delivered before, and given back.
    public var isRedelivered: Bool
    /// nil: no task.
    public var task: CeleryTask?
    /// Where its marks of having been delivered before are, or belong.
    fileprivate var marks: [Mark] = []

    /// What some bytes are.
    public enum Reading: Sendable, Equatable {
        case envelope(CeleryEnvelope)
        /// It was meant to be an envelope.
        case broken(CeleryFlaw)
        /// Nothing that kombu would write: harmless but on a queue of kombu's.
        case foreign(CeleryFlaw)
    }

    public static func read(_ bytes: [UInt8]) -> Reading {
        var reader = EnvelopeReader()
        do throws(CeleryFlaw) {
            return .envelope(try reader.read(bytes))
        } catch {
            return reader.isEnvelope ? .broken(error) : .foreign(error)
        }
    }

    /// The same message, marked in the two places where kombu marks what it gives back. `bytes` are those it was read
    /// from.
    public func redelivered(_ bytes: [UInt8]) -> [UInt8] {
        var marked = bytes
        for mark in marks.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
            marked.replaceSubrange(mark.range, with: mark.text.utf8)
        }
        return marked
    }
}

/// A place in a message, and what belongs there to say that it was delivered before.
private struct Mark: Sendable, Equatable {
    var range: Range<Int>
    var text: String
}

private struct EnvelopeReader {
    /// Whether it has what only envelopes have.
    private(set) var isEnvelope = false
    private var body: ArraySlice<UInt8>?
    private var isJSON = false
    private var properties: CeleryProperties?
    private var task = CeleryTaskReader()
    private var hasBadHeaders = false
    private var marks: [Mark] = []
    private var isRedelivered = false

    mutating func read(_ bytes: [UInt8]) throws(CeleryFlaw) -> CeleryEnvelope {
        var cursor = JSONCursor(bytes)
        guard cursor.peek() == UInt8(ascii: "{") else { throw .notAnObject }
        do throws(WireError) {
            try cursor.members { name, cursor throws(WireError) in try take(name, &cursor) }
            try cursor.expectEnd()
        } catch {
            throw .notJSON
        }
        return try envelope()
    }

    private mutating func take(_ name: Range<Int>, _ cursor: inout JSONCursor) throws(WireError) {
        switch name.count {
        case 4 where cursor.spells("body", at: name):
            guard cursor.peek() == UInt8(ascii: "\"") else { return try cursor.skip() }
            body = try cursor.value()
        case 7 where cursor.spells("headers", at: name): try takeHeaders(&cursor)
        case 10 where cursor.spells("properties", at: name): try takeProperties(&cursor)
        case 12 where cursor.spells("content-type", at: name):
            isEnvelope = true
            isJSON = try cursor.kind() == .string("application/json")
        default: try cursor.skip()
        }
    }

    private mutating func takeHeaders(_ cursor: inout JSONCursor) throws(WireError) {
        guard cursor.peek() == UInt8(ascii: "{") else {
            hasBadHeaders = try cursor.kind() != .null
            return
        }
        try takeMarked(&cursor) { reader, name, cursor throws(WireError) in
            guard try reader.task.take(name, &cursor) else { return try cursor.skip() }
        }
        if task.hasName { isEnvelope = true }
    }

    private mutating func takeProperties(_ cursor: inout JSONCursor) throws(WireError) {
        guard cursor.peek() == UInt8(ascii: "{") else { return try cursor.skip() }
        isEnvelope = isEnvelope || body != nil
        var properties = CeleryProperties()
        try cursor.members { name, cursor throws(WireError) in
            if cursor.spells("delivery_info", at: name) {
                guard cursor.peek() == UInt8(ascii: "{") else { return try cursor.skip() }
                properties.hasDeliveryInfo = true
                try takeMarked(&cursor) { _, name, cursor throws(WireError) in
                    guard try properties.takeDeliveryInfo(name, &cursor) else { return try cursor.skip() }
                }
            } else {
                guard try properties.take(name, &cursor) else { return try cursor.skip() }
            }
        }
        self.properties = properties
    }

    /// Reads an object in which `redelivered` belongs: its other members go to `member`.
    private mutating func takeMarked(
        _ cursor: inout JSONCursor,
        _ member: (inout EnvelopeReader, Range<Int>, inout JSONCursor) throws(WireError) -> Void
    ) throws(WireError) {
        var first: Int?
        var mark: Mark?
        let start = cursor
        try cursor.members { name, cursor throws(WireError) in
            if first == nil { first = name.lowerBound - 1 }
            guard cursor.spells("redelivered", at: name) else { return try member(&self, name, &cursor) }
            let value = try cursor.value()
            mark = Mark(range: value.startIndex..<value.endIndex, text: "true")
            if value.spells("true") { isRedelivered = true }
        }
        if let mark {
            marks.append(mark)
        } else if let first {
            marks.append(Mark(range: first..<first, text: #""redelivered": true, "#))
        } else {
            var object = start
            let end = try object.value().endIndex - 1
            marks.append(Mark(range: end..<end, text: #""redelivered": true"#))
        }
    }

    private func envelope() throws(CeleryFlaw) -> CeleryEnvelope {
        guard let body else { throw .noBody }
        if hasBadHeaders { throw .badHeaders }
        guard let properties else { throw .noProperties }
        let address = try properties.address()
        var envelope = CeleryEnvelope(
            deliveryTag: address.deliveryTag, exchange: address.exchange, routingKey: address.routingKey,
            priority: properties.priority, isRedelivered: isRedelivered)
        envelope.task = task.hasName ? try task.task(.two) : try taskInBody(body, properties)
        envelope.marks = marks
        return envelope
    }

    private func taskInBody(
        _ quoted: ArraySlice<UInt8>, _ properties: CeleryProperties
    ) throws(CeleryFlaw) -> CeleryTask? {
        let text = quoted.dropFirst().dropLast()
        guard isJSON else { return nil }
        if properties.bodyEncoding == .string("base64") {
            return try Base64.decode(text).flatMap { bytes throws(CeleryFlaw) in try CeleryTask.body(bytes) }
        }
        return try JSONString.decode(text).flatMap { text throws(CeleryFlaw) in
            try CeleryTask.body(Array(text.utf8))
        }
    }
}
