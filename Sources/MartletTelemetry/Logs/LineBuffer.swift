/// Lines of JSON as bytes, many in one buffer, each ended by a newline and holding no other.
struct LineBuffer {
    private var bytes: [UInt8]
    private var end = 0
    private(set) var lines = 0

    init(capacity: Int) {
        bytes = Array(repeating: 0, count: capacity)
    }

    var count: Int { end }

    /// What was written, ready to be handed over; the buffer starts anew.
    mutating func take() -> [UInt8] {
        defer {
            end = 0
            lines = 0
        }
        return Array(bytes[..<end])
    }

    mutating func endLine() {
        put(10)
        lines += 1
    }

    /// Bytes that are JSON already.
    mutating func raw(_ source: [UInt8]) {
        raw(source.span)
    }

    mutating func raw(_ text: String) {
        raw(text.utf8Span.span)
    }

    private mutating func raw(_ source: Span<UInt8>) {
        reserve(source.count)
        let start = end
        var out = bytes.mutableSpan
        for index in source.indices {
            out[start + index] = source[index]
        }
        end = start + source.count
    }

    mutating func number(_ value: UInt64) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var count = 0
        var rest = value
        repeat {
            digits[count] = UInt8(rest % 10) + 48
            rest /= 10
            count += 1
        } while rest > 0
        reserve(count)
        for index in 0..<count {
            bytes[end + index] = digits[count - 1 - index]
        }
        end += count
    }

    /// Nanoseconds as seconds with six places.
    mutating func seconds(_ nanoseconds: UInt64) {
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        number(whole)
        put(UInt8(ascii: "."))
        var micros = rest / 1000
        reserve(6)
        for place in stride(from: end + 5, through: end, by: -1) {
            bytes[place] = UInt8(micros % 10) + 48
            micros /= 10
        }
        end += 6
    }

    mutating func string(_ text: String, limit: Int = 4096) {
        string(text.utf8Span.span, limit: limit)
    }

    /// A JSON string of bytes from outside, at most `limit` of them. Control characters are escaped; bytes that are not
    /// UTF-8 appear as the characters of the same number.
    mutating func string(_ source: Span<UInt8>, limit: Int) {
        let source = source.extracting(first: limit)
        reserve(source.count * 6 + 2)
        put(UInt8(ascii: "\""))
        var place = end
        var index = 0
        var out = bytes.mutableSpan
        while index < source.count, Self.isPlain(source[index]) {
            out[place] = source[index]
            place += 1
            index += 1
        }
        end = place
        if index < source.count {
            escape(source.extracting(index..<source.count))
        }
        put(UInt8(ascii: "\""))
    }

    private mutating func escape(_ source: Span<UInt8>) {
        let isText = (try? UTF8Span(validating: source)) != nil
        for index in source.indices {
            let byte = source[index]
            // The bytes of U+0080 to U+009F: terminals may obey these controls.
            let startsControl = byte == 0xC2 && index + 1 < source.count && source[index + 1] < 0xA0
            let isControl = byte >= 0x80 && byte < 0xA0 && index > 0 && source[index - 1] == 0xC2
            if isText && startsControl { continue }
            if Self.isPlain(byte) || (isText && byte >= 0x80 && !isControl) {
                put(byte)
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                put(UInt8(ascii: "\\"))
                put(byte)
            } else {
                for character in [UInt8](arrayLiteral: 92, 117, 48, 48, Self.hex(byte >> 4), Self.hex(byte & 15)) {
                    put(character)
                }
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func hex(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? nibble + 48 : nibble + 87
    }

    private mutating func put(_ byte: UInt8) {
        reserve(1)
        bytes[end] = byte
        end += 1
    }

    private mutating func reserve(_ count: Int) {
        guard end + count > bytes.count else { return }
        bytes.append(contentsOf: repeatElement(0, count: max(count, bytes.count)))
    }
}
