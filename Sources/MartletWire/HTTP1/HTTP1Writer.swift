public import NIOCore

/// Writes HTTP/1.1 messages piece by piece into a buffer. Names and values from outside the wire are checked; bytes
/// that a parser read are sound already.
public enum HTTP1Writer {
    /// `METHOD SP target SP HTTP/1.1 CRLF`.
    public static func requestLine(_ head: RequestHead, into buffer: inout ByteBuffer) {
        requestLine(head, target: head.target, into: &buffer)
    }

    /// The request line with another target, which must come from a parser or be checked (``isValidTarget(_:)``).
    public static func requestLine(_ head: RequestHead, target: ByteBuffer, into buffer: inout ByteBuffer) {
        if head.method == .other {
            buffer.writeImmutableBuffer(head.methodBytes)
        } else {
            buffer.writeStaticString(head.method.word)
        }
        buffer.writeInteger(Characters.space)
        buffer.writeBytes(target.readableBytesSpan)
        buffer.writeStaticString(" HTTP/1.1\r\n")
    }

    /// Whether `target` may stand in a request line: visible ASCII, not empty.
    public static func isValidTarget(_ target: String) -> Bool {
        !target.isEmpty && target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }

    /// `HTTP/1.1 SP status SP reason CRLF` with our own reason phrase; a status outside 100 to 599 becomes 500.
    public static func statusLine(_ status: Int, into buffer: inout ByteBuffer) {
        if status == 200 {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
            return
        }
        buffer.writeStaticString("HTTP/1.1 ")
        let status = 100...599 ~= status ? status : 500
        decimal(status, into: &buffer)
        buffer.writeInteger(Characters.space)
        buffer.writeStaticString(ReasonPhrase.of(status))
        buffer.writeStaticString("\r\n")
    }

    /// Writes a field. A name that is no token, or a value with a control character, is refused: nothing is written
    /// and the answer is false.
    @discardableResult
    public static func field(_ name: String, _ value: String, into buffer: inout ByteBuffer) -> Bool {
        guard !name.isEmpty, name.utf8.allSatisfy(Characters.token.contains),
            value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == Characters.tab })
        else { return false }
        buffer.writeString(name)
        buffer.writeStaticString(": ")
        buffer.writeString(value)
        buffer.writeStaticString("\r\n")
        return true
    }

    /// Writes a field of a known name; refuses as the other form does, and `other`.
    @discardableResult
    public static func field(_ name: FieldName, _ value: String, into buffer: inout ByteBuffer) -> Bool {
        field(name.text, value, into: &buffer)
    }

    /// Writes a field whose value is bytes that a parser read.
    public static func field(_ name: FieldName, _ value: ByteBuffer, into buffer: inout ByteBuffer) {
        buffer.writeString(name.text)
        buffer.writeStaticString(": ")
        buffer.writeBytes(value.readableBytesSpan)
        buffer.writeStaticString("\r\n")
    }

    /// Writes a constant line, such as `Transfer-Encoding: chunked`, with its CRLF.
    public static func line(_ line: StaticString, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(line)
        buffer.writeStaticString("\r\n")
    }

    public static func contentLength(_ length: Int, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("Content-Length: ")
        decimal(length, into: &buffer)
        buffer.writeStaticString("\r\n")
    }

    public static func transferEncodingChunked(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
    }

    /// The empty line after the fields.
    public static func endOfHead(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\r\n")
    }

    /// The size line before a chunk of `length` bytes, which must not be zero.
    public static func chunkHeader(_ length: Int, into buffer: inout ByteBuffer) {
        var shift = max(0, Int.bitWidth - 1 - max(length, 1).leadingZeroBitCount) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: length >> shift) & 0x0f
            buffer.writeInteger(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
            shift -= 4
        }
        buffer.writeStaticString("\r\n")
    }

    /// The CRLF after a chunk.
    public static func chunkEnd(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\r\n")
    }

    /// The end of a chunked body, without trailers.
    public static func lastChunk(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("0\r\n\r\n")
    }

    /// A number in decimal; negative ones are written as zero.
    public static func decimal(_ value: Int, into buffer: inout ByteBuffer) {
        var rest = UInt64(max(0, value))
        // Twenty digits hold every 64-bit number.
        var digits = InlineArray<20, UInt8>(repeating: 0x30)
        var start = 20
        repeat {
            start -= 1
            digits[start] = 0x30 + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        buffer.write(digits.span.extracting(start..<20))
    }
}
