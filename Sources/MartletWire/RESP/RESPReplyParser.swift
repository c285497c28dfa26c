public import NIOCore

/// How much a server may send in one reply.
public struct RESPReplyLimits: Sendable, Equatable {
    /// The longest bulk string, in bytes.
    public var bulkBytes = 512 << 20
    /// The longest line: simple strings, errors, numbers, in bytes.
    public var lineBytes = 64 << 10
    /// Aggregates within aggregates.
    public var depth = 32
    /// Values of one reply, those within aggregates and the aggregates themselves.
    public var values = 16 << 20

    public init() {}
}

/// Reads what a server answers, RESP2 and RESP3, for clients.
///
/// A value is taken from the input once all of it is there; what an aggregate holds is taken as it comes. Bulk strings
/// are slices of the input and pin it. Attributes, which say something about a reply, are read and dropped. The
/// streamed types, which no Redis ever sent, are refused.
public struct RESPReplyParser: Sendable {
    private enum Kind: Sendable {
        case array, set, map, push, attribute
    }

    /// An aggregate that is not complete.
    private struct Open: Sendable {
        let kind: Kind
        var missing: Int
        var values: [RESPValue] = []
    }

    private enum Part {
        case value(RESPValue)
        case aggregate(Kind, values: Int)
    }

    private let limits: RESPReplyLimits
    private var open: [Open] = []
    private var valueCount = 0
    /// How much of the input was searched for the end of its line.
    private var searched = 0
    private var hasFailed = false

    public init(limits: RESPReplyLimits = RESPReplyLimits()) {
        self.limits = limits
    }

    /// No reply has begun, as far as the input was read.
    public var isBetweenReplies: Bool { open.isEmpty }

    /// The next reply or push; nil until more bytes arrive. After an error there are no more.
    public mutating func next(_ input: inout ByteBuffer) throws(RESPProtocolError) -> RESPValue? {
        guard !hasFailed else { return nil }
        do throws(RESPProtocolError) {
            while let part = try readPart(&input) {
                if let value = try take(part) { return value }
            }
            return nil
        } catch {
            hasFailed = true
            open = []
            throw error
        }
    }

    // MARK: Aggregates

    /// Puts a part where it belongs; the reply, if it is complete with that.
    private mutating func take(_ part: Part) throws(RESPProtocolError) -> RESPValue? {
        valueCount += 1
        guard valueCount <= limits.values else { throw RESPProtocolError("too many values in a reply") }
        var complete: RESPValue?
        switch part {
        case .aggregate(let kind, let values):
            guard open.count < limits.depth else { throw RESPProtocolError("aggregates nested too deeply") }
            open.append(Open(kind: kind, missing: values))
        case .value(let value):
            complete = value
        }
        while true {
            if let value = complete {
                guard !open.isEmpty else {
                    valueCount = 0
                    return value
                }
                open[open.count - 1].values.append(value)
                open[open.count - 1].missing -= 1
            }
            guard let last = open.last, last.missing == 0 else { return nil }
            open.removeLast()
            complete = Self.close(last)
            // What follows an attribute is the reply.
            if complete == nil { return nil }
        }
    }

    private static func close(_ aggregate: Open) -> RESPValue? {
        switch aggregate.kind {
        case .array: return .array(aggregate.values)
        case .set: return .set(aggregate.values)
        case .push: return .push(aggregate.values)
        case .attribute: return nil
        case .map:
            return .map(
                stride(from: 0, to: aggregate.values.count, by: 2).map { index in
                    RESPValue.Pair(aggregate.values[index], aggregate.values[index + 1])
                })
        }
    }

    // MARK: Parts

    private mutating func readPart(_ input: inout ByteBuffer) throws(RESPProtocolError) -> Part? {
        guard let lineEnd = try findLineEnd(input) else { return nil }
        let type = input.readableBytesUInt8Span[0]
        switch type {
        case UInt8(ascii: "$"), UInt8(ascii: "!"), UInt8(ascii: "="):
            return try readBulk(type, &input, lineEnd: lineEnd).map { .value($0) }
        case UInt8(ascii: "*"), UInt8(ascii: "~"), UInt8(ascii: "%"), UInt8(ascii: ">"), UInt8(ascii: "|"):
            return try readAggregate(type, &input, lineEnd: lineEnd)
        default:
            let value = try Self.value(type, Line(input.slice(1..<lineEnd)))
            skip(lineEnd + 2, &input)
            return .value(value)
        }
    }

    /// Where the CRLF of the first line begins; nil: it is not there.
    private mutating func findLineEnd(_ input: ByteBuffer) throws(RESPProtocolError) -> Int? {
        let bytes = input.readableBytesUInt8Span
        guard bytes.count > 0 else { return nil }
        let end = min(bytes.count, 1 + limits.lineBytes + 1)
        guard let place = Word.index(of: Characters.carriageReturn, in: bytes, from: min(searched, end), to: end) else {
            guard bytes.count <= 1 + limits.lineBytes else { throw RESPProtocolError("line too long") }
            searched = bytes.count
            return nil
        }
        searched = place
        guard place + 1 < bytes.count else { return nil }
        guard place > 0, bytes[place + 1] == Characters.lineFeed else { throw RESPProtocolError("expected CRLF") }
        return place
    }

    private mutating func skip(_ bytes: Int, _ input: inout ByteBuffer) {
        input.moveReaderIndex(forwardBy: bytes)
        searched = 0
    }

    private mutating func readAggregate(
        _ type: UInt8, _ input: inout ByteBuffer, lineEnd: Int
    ) throws(RESPProtocolError) -> Part {
        let count = RESPInteger.parse(input.readableBytesUInt8Span, 1..<lineEnd)
        skip(lineEnd + 2, &input)
        if type == UInt8(ascii: "*"), count == -1 { return .value(.nullArray) }
        guard let count, 0...Int64(limits.values) ~= count else { throw RESPProtocolError("invalid aggregate length") }
        return switch type {
        case UInt8(ascii: "~"): .aggregate(.set, values: Int(count))
        case UInt8(ascii: "%"): .aggregate(.map, values: Int(count) * 2)
        case UInt8(ascii: ">"): .aggregate(.push, values: Int(count))
        case UInt8(ascii: "|"): .aggregate(.attribute, values: Int(count) * 2)
        default: .aggregate(.array, values: Int(count))
        }
    }

    private mutating func readBulk(
        _ type: UInt8, _ input: inout ByteBuffer, lineEnd: Int
    ) throws(RESPProtocolError) -> RESPValue? {
        let length = RESPInteger.parse(input.readableBytesUInt8Span, 1..<lineEnd)
        if type == UInt8(ascii: "$"), length == -1 {
            skip(lineEnd + 2, &input)
            return .null
        }
        guard let length, 0...Int64(limits.bulkBytes) ~= length else { throw RESPProtocolError("invalid bulk length") }
        let start = lineEnd + 2
        let end = start + Int(length)
        guard input.readableBytes >= end + 2 else { return nil }
        guard input.getInteger(at: input.readerIndex + end) == UInt16(0x0d0a) else {
            throw RESPProtocolError("expected CRLF after a bulk")
        }
        let bulk = length > 0 ? input.slice(start..<end) : ByteBuffer()
        skip(end + 2, &input)
        switch type {
        case UInt8(ascii: "!"): return .error(String(buffer: bulk))
        case UInt8(ascii: "="): return try Self.verbatim(bulk)
        default: return .bulk(bulk)
        }
    }

    private static func verbatim(_ bulk: ByteBuffer) throws(RESPProtocolError) -> RESPValue {
        guard bulk.readableBytes >= 4, bulk.readableBytesUInt8Span[3] == UInt8(ascii: ":") else {
            throw RESPProtocolError("verbatim string without format")
        }
        return .verbatim(format: String(buffer: bulk.slice(0..<3)), bulk.slice(4..<bulk.readableBytes))
    }
}

/// What stands between the type of a short value and its CRLF.
private struct Line {
    let bytes: ByteBuffer

    init(_ bytes: ByteBuffer) {
        self.bytes = bytes
    }

    var text: String { String(buffer: bytes) }

    var integer: Int64? {
        let span = bytes.readableBytesUInt8Span
        let hasPlus = span.count > 0 && span[0] == UInt8(ascii: "+")
        guard let value = RESPInteger.parse(span, (hasPlus ? 1 : 0)..<span.count) else { return nil }
        return hasPlus && value < 0 ? nil : value
    }

    var isBigNumber: Bool {
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        return bytes.readableBytes - digits.count <= 1 && !digits.isEmpty
            && digits.allSatisfy(Characters.digits.contains)
    }
}

extension RESPReplyParser {
    private static func value(_ type: UInt8, _ line: Line) throws(RESPProtocolError) -> RESPValue {
        switch type {
        case UInt8(ascii: "+"): return .simple(line.text)
        case UInt8(ascii: "-"): return .error(line.text)
        case UInt8(ascii: ":"):
            guard let value = line.integer else { throw RESPProtocolError("invalid integer") }
            return .integer(value)
        case UInt8(ascii: ","):
            guard let value = RESPDouble.value(line.text) else { throw RESPProtocolError("invalid double") }
            return .double(value)
        case UInt8(ascii: "#"):
            switch line.text {
            case "t": return .boolean(true)
            case "f": return .boolean(false)
            default: throw RESPProtocolError("invalid boolean")
            }
        case UInt8(ascii: "_"):
            guard line.bytes.readableBytes == 0 else { throw RESPProtocolError("invalid null") }
            return .null
        case UInt8(ascii: "("):
            guard line.isBigNumber else { throw RESPProtocolError("invalid big number") }
            return .bigNumber(line.text)
        default: throw RESPProtocolError("unknown type of a reply")
        }
    }
}
