import MartletBase
import NIOCore

/// A request target: which form it has, its authority if it carries one, and its path normalised once, so that
/// routing, authorisation and the upstream all see the same path.
struct RequestTarget {
    static let slash: UInt8 = 0x2f
    static let question: UInt8 = 0x3f
    private static let percent: UInt8 = 0x25
    private static let dot: UInt8 = 0x2e

    /// Origin form, or `*`.
    var target: ByteBuffer
    var pathLength: Int
    /// The authority of an absolute-form target, in the bytes it was read from.
    var authority: Range<Int>?

    init(_ input: ByteBuffer, _ range: Range<Int>, method: Method) throws(WireError) {
        let bytes = input.readableBytesUInt8Span
        let first = bytes[range.lowerBound]
        if first == 0x2a, range.count == 1 {
            guard method == .options else { throw WireError(.badRequest, "only OPTIONS may ask for *") }
            (target, pathLength, authority) = (input.slice(range), 1, nil)
            return
        }
        var origin = range
        if first != Self.slash {
            let found = try Self.absoluteForm(bytes, range)
            authority = found.authority
            origin = found.rest
        }
        if let pathEnd = try Self.normalPathEnd(bytes, origin) {
            target = input.slice(origin)
            pathLength = pathEnd - origin.lowerBound
        } else {
            let path = try Self.normalise(bytes, origin)
            target = ByteBuffer(bytes: path.bytes)
            pathLength = path.bytes.count
            target.write(bytes.extracting(path.end..<origin.upperBound))
        }
    }

    /// Splits `http://authority/path?query`.
    private static func absoluteForm(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError)
        -> (authority: Range<Int>, rest: Range<Int>)
    {
        let start: Int
        if range.count > 7, Characters.equalsIgnoringCase(bytes, range.lowerBound..<range.lowerBound + 7, "http://") {
            start = range.lowerBound + 7
        } else if range.count > 8,
            Characters.equalsIgnoringCase(bytes, range.lowerBound..<range.lowerBound + 8, "https://")
        {
            start = range.lowerBound + 8
        } else {
            throw WireError(.badRequest, "request target is neither a path nor an http URL")
        }
        var end = start
        while end < range.upperBound, bytes[end] != slash, bytes[end] != question { end += 1 }
        guard Authority.isValid(bytes, start..<end) else {
            throw WireError(.badRequest, "invalid authority in the request target")
        }
        return (start..<end, end..<range.upperBound)
    }

    /// The end of the path if it is normal already (the common case, which copies nothing), else nil.
    private static func normalPathEnd(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) -> Int? {
        guard !range.isEmpty, bytes[range.lowerBound] == slash else { return nil }
        var previous: UInt8 = 0
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            if byte == question { break }
            if byte == percent || (previous == slash && (byte == slash || byte == dot)) { return nil }
            try checkPath(byte)
            previous = byte
            index += 1
        }
        try checkQuery(bytes, index..<range.upperBound)
        return index
    }

    @inline(__always)
    private static func checkPath(_ byte: UInt8) throws(WireError) {
        if byte <= 0x20 || byte >= 0x7f || byte == 0x23 || byte == 0x5c {
            throw WireError(.badRequest, "invalid character in the path")
        }
    }

    private static func checkQuery(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) {
        for index in range {
            let byte = bytes[index]
            if byte <= 0x20 || byte >= 0x7f || byte == 0x23 {
                throw WireError(.badRequest, "invalid character in the query")
            }
        }
    }

    /// Decodes what may be decoded, then resolves the segments.
    private static func normalise(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError)
        -> (bytes: [UInt8], end: Int)
    {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound, bytes[index] != question {
            let byte = bytes[index]
            if byte == percent {
                try decode(bytes, index, range.upperBound, into: &decoded)
                index += 3
            } else {
                try checkPath(byte)
                decoded.append(byte)
                index += 1
            }
        }
        try checkQuery(bytes, index..<range.upperBound)
        return (try resolve(decoded), index)
    }

    /// Reads the `%XX` at `index`: an unreserved character is decoded, others keep their encoding in upper case.
    private static func decode(_ bytes: Span<UInt8>, _ index: Int, _ end: Int, into decoded: inout [UInt8])
        throws(WireError)
    {
        guard index + 2 < end, let high = Characters.hexValue(bytes[index + 1]),
            let low = Characters.hexValue(bytes[index + 2])
        else { throw WireError(.badRequest, "invalid percent-encoding in the path") }
        let byte = high << 4 | low
        if byte == slash || byte == 0x5c || byte == 0 {
            throw WireError(.badRequest, "encoded slash, backslash or NUL in the path")
        }
        if Characters.unreserved.contains(byte) {
            decoded.append(byte)
        } else {
            decoded.append(percent)
            decoded.append(Characters.hexDigit(high))
            decoded.append(Characters.hexDigit(low))
        }
    }

    /// Resolves `.` and `..` and collapses `//`.
    private static func resolve(_ path: [UInt8]) throws(WireError) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(path.count + 1)
        for segment in path.split(separator: slash, omittingEmptySubsequences: true) {
            if segment.count == 1, segment.first == dot { continue }
            if segment.count == 2, segment.first == dot, segment.last == dot {
                guard let parent = result.lastIndex(of: slash) else {
                    throw WireError(.badRequest, "path leads above the root")
                }
                result.removeSubrange(parent...)
                continue
            }
            result.append(slash)
            result.append(contentsOf: segment)
        }
        if result.isEmpty || endsInDirectory(path) { result.append(slash) }
        return result
    }

    /// Whether the path's last segment is empty, `.` or `..`.
    private static func endsInDirectory(_ path: [UInt8]) -> Bool {
        guard let last = path.lastIndex(of: slash) else { return false }
        let tail = path[(last + 1)...]
        return tail.isEmpty || (tail.count <= 2 && tail.allSatisfy { $0 == dot })
    }
}

/// `host[:port]`, as in a Host field.
enum Authority {
    static func isValid(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty, range.count <= 262 else { return false }
        var index = range.lowerBound
        if bytes[index] == 0x5b {
            guard let close = Word.index(of: 0x5d, in: bytes, from: index, to: range.upperBound),
                isIPv6(bytes, index + 1..<close)
            else { return false }
            index = close + 1
        } else {
            while index < range.upperBound, Characters.hostName.contains(bytes[index]) { index += 1 }
            if index == range.lowerBound { return false }
        }
        if index == range.upperBound { return true }
        guard bytes[index] == 0x3a else { return false }
        return isPort(bytes, index + 1..<range.upperBound)
    }

    /// An IPv6 address as RFC 4291 writes it, without a zone.
    private static func isIPv6(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard 2...45 ~= range.count, Characters.addressLiteral.containsAll(bytes, range) else { return false }
        var text = ""
        for index in range { text.unicodeScalars.append(UnicodeScalar(bytes[index])) }
        guard let address = try? SocketAddress(ipAddress: text, port: 0), case .v6 = address else { return false }
        return true
    }

    /// One to five digits, at most 65535.
    private static func isPort(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard 1...5 ~= range.count, Characters.digits.containsAll(bytes, range) else { return false }
        var port = 0
        for index in range { port = port * 10 + Int(bytes[index] - 0x30) }
        return port <= 65535
    }

    /// The authority in lower case; a slice when it is so already.
    static func lowercased(_ input: ByteBuffer, _ range: Range<Int>) -> ByteBuffer {
        let bytes = input.readableBytesUInt8Span
        for index in range where Characters.isUpper(bytes[index]) {
            var lowered = ByteBuffer()
            for index in range { lowered.writeInteger(Characters.lower(bytes[index])) }
            return lowered
        }
        return input.slice(range)
    }
}
