public import NIOCore

/// Writes replies, each at the end of a buffer, in the version that the client asked for.
///
/// The types that RESP2 lacks become what Redis makes of them: a map is a flat array of keys and values, a set or a
/// push an array, a boolean the integer 1 or 0, doubles, big numbers and verbatim text bulk strings. The caller writes
/// the values of an aggregate itself, right behind its head.
public struct RESPWriter: Sendable, Equatable {
    /// The version of the protocol, as `HELLO` names it.
    public enum Version: Int, Sendable {
        case two = 2
        case three = 3
    }

    public var version: Version

    public init(version: Version) {
        self.version = version
    }

    // MARK: Short values

    /// Text without line breaks, such as `OK`.
    public func simple(_ text: String, into buffer: inout ByteBuffer) {
        Self.line("+", text, into: &buffer)
    }

    /// - Parameters:
    ///   - code: The first word, such as `ERR` or `WRONGTYPE`, by which clients tell errors apart.
    ///   - text: Line breaks in it become blanks.
    public func error(code: String = "ERR", _ text: String, into buffer: inout ByteBuffer) {
        Self.line("-", code + " " + text, into: &buffer)
    }

    public func integer(_ value: Int64, into buffer: inout ByteBuffer) {
        Self.head(":", value, into: &buffer)
    }

    public func boolean(_ value: Bool, into buffer: inout ByteBuffer) {
        switch version {
        case .two: buffer.writeStaticString(value ? ":1\r\n" : ":0\r\n")
        case .three: buffer.writeStaticString(value ? "#t\r\n" : "#f\r\n")
        }
    }

    public func double(_ value: Double, into buffer: inout ByteBuffer) {
        shortOrBulk(",", RESPDouble.text(value), into: &buffer)
    }

    /// - Parameter digits: An integer in decimal, of any length.
    public func bigNumber(_ digits: String, into buffer: inout ByteBuffer) {
        shortOrBulk("(", digits, into: &buffer)
    }

    /// Nothing, where a single value was asked for.
    public func null(into buffer: inout ByteBuffer) {
        buffer.writeStaticString(version == .two ? "$-1\r\n" : "_\r\n")
    }

    /// Nothing, where an array was asked for.
    public func nullArray(into buffer: inout ByteBuffer) {
        buffer.writeStaticString(version == .two ? "*-1\r\n" : "_\r\n")
    }

    // MARK: Bulk strings

    public func bulk(_ bytes: [UInt8], into buffer: inout ByteBuffer) {
        Self.head("$", Int64(bytes.count), into: &buffer)
        buffer.writeBytes(bytes)
        Self.endLine(&buffer)
    }

    public func bulk(_ bytes: ByteBuffer, into buffer: inout ByteBuffer) {
        Self.bulk(bytes, into: &buffer)
    }

    public func bulk(_ text: String, into buffer: inout ByteBuffer) {
        Self.bulk(text, into: &buffer)
    }

    /// Text that a client may show as it is.
    ///
    /// - Parameter format: Three letters: `txt`, or `mkd` for Markdown.
    public func verbatim(_ text: String, format: StaticString = "txt", into buffer: inout ByteBuffer) {
        guard version == .three else { return bulk(text, into: &buffer) }
        Self.head("=", Int64(text.utf8.count + 4), into: &buffer)
        buffer.writeStaticString(format)
        buffer.writeInteger(UInt8(ascii: ":"))
        buffer.writeString(text)
        Self.endLine(&buffer)
    }

    // MARK: Heads of aggregates

    /// So many values follow.
    public func array(_ count: Int, into buffer: inout ByteBuffer) {
        Self.head("*", Int64(count), into: &buffer)
    }

    /// So many values follow.
    public func set(_ count: Int, into buffer: inout ByteBuffer) {
        Self.head(version == .two ? "*" : "~", Int64(count), into: &buffer)
    }

    /// So many values follow. For what the server sends of itself.
    public func push(_ count: Int, into buffer: inout ByteBuffer) {
        Self.head(version == .two ? "*" : ">", Int64(count), into: &buffer)
    }

    /// So many pairs follow, each a key and its value.
    public func map(pairs: Int, into buffer: inout ByteBuffer) {
        switch version {
        case .two: Self.head("*", Int64(pairs) * 2, into: &buffer)
        case .three: Self.head("%", Int64(pairs), into: &buffer)
        }
    }

    // MARK: Commands

    /// A command as clients send it, its name first. The same in both versions.
    public static func command(_ arguments: [ByteBuffer], into buffer: inout ByteBuffer) {
        head("*", Int64(arguments.count), into: &buffer)
        for argument in arguments { bulk(argument, into: &buffer) }
    }

    /// A command as clients send it, its name first. The same in both versions.
    public static func command(_ arguments: [String], into buffer: inout ByteBuffer) {
        head("*", Int64(arguments.count), into: &buffer)
        for argument in arguments { bulk(argument, into: &buffer) }
    }

    // MARK: Parts

    private func shortOrBulk(_ type: StaticString, _ text: String, into buffer: inout ByteBuffer) {
        switch version {
        case .two: bulk(text, into: &buffer)
        case .three: Self.line(type, text, into: &buffer)
        }
    }

    private static func bulk(_ bytes: ByteBuffer, into buffer: inout ByteBuffer) {
        head("$", Int64(bytes.readableBytes), into: &buffer)
        buffer.writeImmutableBuffer(bytes)
        endLine(&buffer)
    }

    private static func bulk(_ text: String, into buffer: inout ByteBuffer) {
        head("$", Int64(text.utf8.count), into: &buffer)
        buffer.writeString(text)
        endLine(&buffer)
    }

    private static func head(_ type: StaticString, _ value: Int64, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(type)
        RESPInteger.write(value, into: &buffer)
        endLine(&buffer)
    }

    /// A line break within the text would be the end of the value.
    private static func line(_ type: StaticString, _ text: String, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(type)
        if text.utf8.contains(where: isLineBreak) {
            buffer.writeBytes(text.utf8.map { isLineBreak($0) ? Characters.space : $0 })
        } else {
            buffer.writeString(text)
        }
        endLine(&buffer)
    }

    private static func isLineBreak(_ byte: UInt8) -> Bool {
        byte == Characters.carriageReturn || byte == Characters.lineFeed
    }

    private static func endLine(_ buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt16(0x0d0a))
    }
}

extension RESPWriter {
    /// A whole value with all that it holds.
    public func value(_ value: RESPValue, into buffer: inout ByteBuffer) {
        switch value {
        case .simple(let text): simple(text, into: &buffer)
        case .error(let text): Self.line("-", text, into: &buffer)
        case .integer(let value): integer(value, into: &buffer)
        case .double(let value): double(value, into: &buffer)
        case .boolean(let value): boolean(value, into: &buffer)
        case .bigNumber(let digits): bigNumber(digits, into: &buffer)
        case .bulk(let bytes): bulk(bytes, into: &buffer)
        case .verbatim(_, let bytes) where version == .two: bulk(bytes, into: &buffer)
        case .verbatim(let format, let bytes):
            Self.head("=", Int64(bytes.readableBytes + 4), into: &buffer)
            buffer.writeString(format + ":")
            buffer.writeImmutableBuffer(bytes)
            Self.endLine(&buffer)
        case .null: null(into: &buffer)
        case .nullArray: nullArray(into: &buffer)
        case .array(let values):
            array(values.count, into: &buffer)
            for item in values { self.value(item, into: &buffer) }
        case .set(let values):
            set(values.count, into: &buffer)
            for item in values { self.value(item, into: &buffer) }
        case .push(let values):
            push(values.count, into: &buffer)
            for item in values { self.value(item, into: &buffer) }
        case .map(let pairs):
            map(pairs: pairs.count, into: &buffer)
            for pair in pairs {
                self.value(pair.key, into: &buffer)
                self.value(pair.value, into: &buffer)
            }
        }
    }
}
