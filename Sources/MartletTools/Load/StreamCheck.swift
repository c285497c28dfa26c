import NIOCore

/// Reads the events of one stream and checks what can be checked: numbers without gaps, and a terminal marker.
struct StreamCheck {
    /// One event that carries data.
    struct Event {
        /// When the mock sent it, if it says so.
        let sentNanoseconds: UInt64?
    }

    private static let number = ByteSearch("\"n\":")
    private static let time = ByteSearch("\"t\":")
    private static let done = ByteSearch("data: [DONE]")
    private static let error = ByteSearch("data: {\"error\"")

    private var nextNumber: UInt64 = 0
    private(set) var hasGap = false
    private(set) var isDone = false
    private(set) var hasError = false

    /// Takes the next whole event out of `body`. Comments and the terminal marker are taken in passing.
    mutating func nextEvent(in body: inout ByteBuffer) -> Event? {
        while let length = Self.eventLength(body.readableBytesUInt8Span) {
            defer { body.moveReaderIndex(forwardBy: length) }
            if let event = read(body.readableBytesUInt8Span.extracting(..<length)) { return event }
        }
        if body.readableBytes == 0 { body.clear() } else { body.discardReadBytes() }
        return nil
    }

    private mutating func read(_ event: Span<UInt8>) -> Event? {
        guard event[0] == UInt8(ascii: "d") else { return nil }
        if let end = Self.number.end(in: event), let number = decimal(in: event, at: end) {
            if isDone || number != nextNumber { hasGap = true }
            nextNumber = number &+ 1
            return Event(sentNanoseconds: Self.time.end(in: event, from: end).flatMap { decimal(in: event, at: $0) })
        }
        if event.count < 32, Self.done.end(in: event) != nil {
            isDone = true
            return nil
        }
        if Self.error.end(in: event) != nil { hasError = true }
        return Event(sentNanoseconds: nil)
    }

    /// Bytes up to and including the empty line that ends the first event.
    private static func eventLength(_ bytes: Span<UInt8>) -> Int? {
        var lineStart = 0
        for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
            let isEmpty = index == lineStart || (index == lineStart + 1 && bytes[lineStart] == UInt8(ascii: "\r"))
            if isEmpty { return index + 1 }
            lineStart = index + 1
        }
        return nil
    }
}
