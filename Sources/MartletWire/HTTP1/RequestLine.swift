import MartletBase

/// `method SP target SP version`, taken apart.
struct RequestLine: Sendable {
    var method: Method
    var methodRange: Range<Int>
    var target: Range<Int>
    var isHTTP10: Bool

    init(_ bytes: Span<UInt8>, _ line: Range<Int>, limits: HTTPLimits) throws(WireError) {
        let (start, end) = (line.lowerBound, line.upperBound)
        guard let methodEnd = Word.index(of: Characters.space, in: bytes, from: start, to: end), methodEnd > start,
            Characters.token.containsAll(bytes, start..<methodEnd)
        else { throw WireError(.badRequest, "invalid method") }
        let targetStart = methodEnd + 1
        guard let targetEnd = Word.index(of: Characters.space, in: bytes, from: targetStart, to: end) else {
            throw WireError(.badRequest, "request line without HTTP version")
        }
        guard targetEnd > targetStart else { throw WireError(.badRequest, "empty request target") }
        guard targetEnd - targetStart <= limits.targetBytes else {
            throw WireError(.targetTooLong, "request target too long")
        }
        isHTTP10 = try HTTPVersion.isHTTP10(bytes, targetEnd + 1..<end)
        methodRange = start..<methodEnd
        method = Method(bytes, methodRange)
        target = targetStart..<targetEnd
        if method == .other {
            guard methodRange.count <= 32 else { throw WireError(.badRequest, "method too long") }
            if Characters.equalsIgnoringCase(bytes, methodRange, "CONNECT")
                || Characters.equalsIgnoringCase(bytes, methodRange, "TRACE")
                || Characters.equalsIgnoringCase(bytes, methodRange, "PRI")
            {
                throw WireError(.methodNotAllowed, "CONNECT, TRACE and PRI are not served")
            }
        }
    }
}

enum HTTPVersion {
    /// `HTTP/1.` in memory order.
    private static let prefix: UInt64 = 0x2e_312f_5054_5448

    /// Reads `HTTP/1.1` or `HTTP/1.0`; throws for anything else.
    @inline(__always)
    static func isHTTP10(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) -> Bool {
        let word = Word.load(bytes, at: range.lowerBound, count: range.count)
        if range.count == 8, word == prefix | 0x31 << 56 { return false }
        if range.count == 8, word == prefix | 0x30 << 56 { return true }
        guard range.count == 8, word & Word.lowBytes(5) == prefix & Word.lowBytes(5),
            Characters.digits.contains(bytes[range.lowerBound + 5]), bytes[range.lowerBound + 6] == 0x2e,
            Characters.digits.contains(bytes[range.lowerBound + 7])
        else { throw WireError(.badRequest, "invalid HTTP version") }
        throw WireError(.versionNotSupported, "only HTTP/1.1 and HTTP/1.0 are served")
    }
}
