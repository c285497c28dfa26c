import MartletBase

/// `HTTP/1.x SP status [SP reason]`, taken apart.
struct StatusLine: Sendable {
    var status: Int
    var reason: Range<Int>
    var isHTTP10: Bool

    init(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(WireError) {
        let start = line.lowerBound
        guard line.count >= 12, bytes[start + 8] == Characters.space else {
            throw WireError(.upstreamMalformed, "invalid status line")
        }
        isHTTP10 = try HTTPVersion.isHTTP10(bytes, start..<start + 8)
        let code = start + 9..<start + 12
        guard Characters.digits.containsAll(bytes, code) else {
            throw WireError(.upstreamMalformed, "invalid status code")
        }
        status = 0
        for index in code { status = status * 10 + Int(bytes[index] &- 0x30) }
        guard 100...599 ~= status, line.count == 12 || bytes[start + 12] == Characters.space else {
            throw WireError(.upstreamMalformed, "invalid status code")
        }
        reason = min(start + 13, line.upperBound)..<line.upperBound
        for index in reason where bytes[index] != Characters.tab && (bytes[index] < 0x20 || bytes[index] == 0x7f) {
            throw WireError(.upstreamMalformed, "control character in the reason phrase")
        }
    }
}
