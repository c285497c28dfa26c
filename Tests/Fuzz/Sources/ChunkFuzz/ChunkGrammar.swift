/// RFC 9112 §7.1 as plainly as it can be written, with our rules: at most 16 digits, no blanks after the size, CRLF
/// everywhere, at most 100 trailers and no framing field among them.
struct ChunkGrammar {
    private let bytes: [UInt8]
    /// What data and extensions may come to.
    private let limit: Int
    private var counted = 0
    private var index = 0

    /// The bytes end before the body does.
    private struct Unfinished: Error {}
    private struct Refused: Error {}

    init(_ bytes: [UInt8], limit: Int) {
        self.bytes = bytes
        self.limit = limit
    }

    mutating func read() -> Reading {
        do {
            var body: [UInt8] = []
            while let chunk = try chunk() { body += chunk }
            return .whole(body)
        } catch is Unfinished {
            return .unfinished
        } catch {
            return .refused
        }
    }

    /// The next chunk's data; nil behind the trailers.
    private mutating func chunk() throws -> ArraySlice<UInt8>? {
        var digits: [UInt8] = []
        while let value = Character(UnicodeScalar(try peek())).hexDigitValue, try peek() < 0x80 {
            digits.append(UInt8(value))
            // Out of range: refused without waiting for the end of the line.
            let significant = digits.drop { $0 == 0 }
            guard significant.count < 16 || significant.count == 16 && significant.first ?? 0 < 8 else {
                throw Refused()
            }
            index += 1
        }
        guard 1...16 ~= digits.count else { throw Refused() }
        let size = digits.reduce(0) { $0 << 4 | Int($1) }
        guard [0x0d, 0x3b].contains(try peek()), size <= limit - counted else { throw Refused() }
        counted += size
        if try peek() == 0x3b { try extensions() }
        try lineEnd()
        if size == 0 {
            try trailers()
            return nil
        }
        guard size <= bytes.count - index else { throw Unfinished() }
        let data = bytes[index..<index + size]
        index += size
        try lineEnd()
        return data
    }

    /// Up to the carriage return that is not in quotes.
    private mutating func extensions() throws {
        index += 1
        var isQuoted = false
        while try isQuoted || peek() != 0x0d {
            let byte = try extensionByte()
            if isQuoted, byte == 0x5c {
                _ = try extensionByte()
            } else if byte == 0x22 {
                isQuoted.toggle()
            }
        }
    }

    private mutating func extensionByte() throws -> UInt8 {
        let byte = try peek()
        guard byte == 0x09 || 0x20..<0x7f ~= byte, counted < limit else { throw Refused() }
        index += 1
        counted += 1
        return byte
    }

    private mutating func lineEnd() throws {
        guard try peek() == 0x0d else { throw Refused() }
        index += 1
        guard try peek() == 0x0a else { throw Refused() }
        index += 1
    }

    private mutating func trailers() throws {
        for count in 0... {
            guard let end = bytes[index...].firstIndex(of: 0x0a) else { throw Unfinished() }
            guard end > index, bytes[end - 1] == 0x0d else { throw Refused() }
            let line = bytes[index..<end - 1]
            index = end + 1
            if line.isEmpty { return }
            guard count < 100 else { throw Refused() }
            guard let colon = line.firstIndex(of: 0x3a), colon > line.startIndex else { throw Refused() }
            let name = line[..<colon]
            guard name.allSatisfy(Self.isNameCharacter) else { throw Refused() }
            let text = String(decoding: name, as: UTF8.self).lowercased()
            guard !["content-length", "transfer-encoding", "expect"].contains(text) else { throw Refused() }
            let value = line[(colon + 1)...]
            guard value.allSatisfy({ $0 == 0x09 || $0 >= 0x20 && $0 != 0x7f }) else { throw Refused() }
            if Self.plain.contains(text), value.contains(where: { $0 >= 0x80 }) { throw Refused() }
        }
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        let character = Character(UnicodeScalar(byte))
        return byte < 0x80 && (character.isLetter || character.isNumber || "!#$%&'*+-.^`|~".contains(character))
    }

    /// Fields that must be ASCII.
    private static let plain: Set<String> = [
        "host", "connection", "te", "trailer", "upgrade", "content-type", "content-encoding", "accept-encoding",
        "authorization", "proxy-authorization", "x-api-key", "api-key", "idempotency-key", "x-forwarded-for",
        "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip", "forwarded", "x-request-id",
        "x-request-timeout", "x-request-priority", "last-event-id", "vary", "cache-control",
    ]

    private func peek() throws -> UInt8 {
        guard index < bytes.count else { throw Unfinished() }
        return bytes[index]
    }
}
