/// What a test tool needs to know of a message head, found in one pass: where it ends and how the body is framed.
///
/// This is not the gateway's parser: it trusts its peer, and only keeps clear of traps.
struct HeadScan {
    /// Bytes of the head, its blank line included.
    var length = 0
    /// Bytes of the first line, without its line end.
    var firstLineLength = 0
    var contentLength: Int?
    var isChunked = false
    /// `Connection: close`.
    var saysClose = false
    /// `Connection: keep-alive`.
    var saysKeepAlive = false
    /// `Expect: 100-continue`.
    var expectsContinue = false
    /// `Content-Type: text/event-stream`.
    var isEventStream = false
    /// `Retry-After`, whatever it says.
    var hasRetryAfter = false
    /// There is at least one `x-mock-…` field.
    var hasMockFields = false

    enum Result {
        case incomplete
        case malformed
        case complete(HeadScan)
    }

    static let maximumLength = 64 * 1024

    static func scan(_ bytes: Span<UInt8>) -> Result {
        var head = HeadScan()
        var lineStart = 0
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "\n") else {
                index += 1
                continue
            }
            var lineEnd = index
            if lineEnd > lineStart, bytes[lineEnd - 1] == UInt8(ascii: "\r") { lineEnd -= 1 }
            if lineStart == 0 {
                guard lineEnd > 0 else { return .malformed }
                head.firstLineLength = lineEnd
            } else if lineEnd == lineStart {
                head.length = index + 1
                return .complete(head)
            } else {
                head.read(bytes, line: lineStart..<lineEnd)
            }
            index += 1
            lineStart = index
        }
        return bytes.count > maximumLength ? .malformed : .incomplete
    }

    private mutating func read(_ bytes: Span<UInt8>, line: Range<Int>) {
        switch bytes[line.lowerBound] | 0x20 {
        case UInt8(ascii: "c"):
            if let value = Field.contentLength.value(in: bytes, line: line) {
                contentLength = decimal(in: bytes, at: value).map { Int(clamping: $0) }
            } else if let value = Field.connection.value(in: bytes, line: line) {
                saysClose = saysClose || Field.contains(bytes, value..<line.upperBound, Field.close)
                saysKeepAlive = saysKeepAlive || Field.contains(bytes, value..<line.upperBound, Field.keepAlive)
            } else if let value = Field.contentType.value(in: bytes, line: line) {
                isEventStream = Field.contains(bytes, value..<line.upperBound, Field.eventStream)
            }
        case UInt8(ascii: "t"):
            if let value = Field.transferEncoding.value(in: bytes, line: line) {
                isChunked = isChunked || Field.contains(bytes, value..<line.upperBound, Field.chunked)
            }
        case UInt8(ascii: "e"):
            if Field.expect.value(in: bytes, line: line) != nil { expectsContinue = true }
        case UInt8(ascii: "r"):
            if Field.retryAfter.value(in: bytes, line: line) != nil { hasRetryAfter = true }
        case UInt8(ascii: "x"):
            if Field.mock.matches(bytes, at: line.lowerBound, before: line.upperBound) { hasMockFields = true }
        default:
            break
        }
    }
}

/// Compares field names and values without regard to case and without making strings.
struct Field {
    static let contentLength = Field("content-length:")
    static let contentType = Field("content-type:")
    static let connection = Field("connection:")
    static let transferEncoding = Field("transfer-encoding:")
    static let expect = Field("expect:")
    static let retryAfter = Field("retry-after:")
    static let mock = Field("x-mock-")
    static let close = Field("close")
    static let keepAlive = Field("keep-alive")
    static let chunked = Field("chunked")
    static let eventStream = Field("text/event-stream")

    private let lowercase: [UInt8]

    private init(_ text: String) {
        lowercase = Array(text.utf8)
    }

    func matches(_ bytes: Span<UInt8>, at start: Int, before end: Int) -> Bool {
        guard start + lowercase.count <= end else { return false }
        for index in lowercase.indices {
            let byte = bytes[start + index]
            let lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
            if lower != lowercase[index] { return false }
        }
        return true
    }

    /// Where the value begins, when `line` is this field.
    func value(in bytes: Span<UInt8>, line: Range<Int>) -> Int? {
        matches(bytes, at: line.lowerBound, before: line.upperBound) ? line.lowerBound + lowercase.count : nil
    }

    static func contains(_ bytes: Span<UInt8>, _ range: Range<Int>, _ word: Field) -> Bool {
        range.contains { word.matches(bytes, at: $0, before: range.upperBound) }
    }
}
