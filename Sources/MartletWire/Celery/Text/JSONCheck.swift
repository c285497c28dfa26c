/// Whether bytes are JSON as Python's `json` module reads it: strict, but for `NaN`, `Infinity` and `-Infinity`.
///
/// What passes is handed on as it is, into messages that others read; so nothing of it is taken on trust.
enum JSONCheck {
    /// Nesting beyond this is refused. Chords in chords reach some dozens.
    static let maximumDepth = 256

    /// Where the value that starts at `start`, blanks before it allowed, begins and ends; nil: there is none.
    static func range(_ bytes: Span<UInt8>, from start: Int) -> Range<Int>? {
        var index = start
        skipBlanks(bytes, &index)
        let begin = index
        return value(bytes, &index, 0) ? begin..<index : nil
    }

    static func skipBlanks(_ bytes: Span<UInt8>, _ index: inout Int) {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0a, 0x0d, 0x09: index += 1
            default: return
            }
        }
    }

    /// Takes the byte, and the blanks before it.
    static func take(_ bytes: Span<UInt8>, _ index: inout Int, _ byte: UInt8) -> Bool {
        skipBlanks(bytes, &index)
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private static func value(_ bytes: Span<UInt8>, _ index: inout Int, _ depth: Int) -> Bool {
        skipBlanks(bytes, &index)
        guard index < bytes.count else { return false }
        switch bytes[index] {
        case UInt8(ascii: "\""): return string(bytes, &index)
        case UInt8(ascii: "{"):
            index += 1
            return depth < maximumDepth && object(bytes, &index, depth + 1)
        case UInt8(ascii: "["):
            index += 1
            return depth < maximumDepth && array(bytes, &index, depth + 1)
        default: return word(bytes, &index)
        }
    }

    private static func array(_ bytes: Span<UInt8>, _ index: inout Int, _ depth: Int) -> Bool {
        if take(bytes, &index, UInt8(ascii: "]")) { return true }
        repeat {
            guard value(bytes, &index, depth) else { return false }
        } while take(bytes, &index, UInt8(ascii: ","))
        return take(bytes, &index, UInt8(ascii: "]"))
    }

    private static func object(_ bytes: Span<UInt8>, _ index: inout Int, _ depth: Int) -> Bool {
        if take(bytes, &index, UInt8(ascii: "}")) { return true }
        repeat {
            skipBlanks(bytes, &index)
            guard string(bytes, &index), take(bytes, &index, UInt8(ascii: ":")), value(bytes, &index, depth) else {
                return false
            }
        } while take(bytes, &index, UInt8(ascii: ","))
        return take(bytes, &index, UInt8(ascii: "}"))
    }

    /// Takes a string with its quotes. Half a surrogate pair passes: Python writes and reads it.
    static func string(_ bytes: Span<UInt8>, _ index: inout Int) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { return false }
        index += 1
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\"") { return true }
            guard byte >= 0x20 else { return false }
            guard byte == UInt8(ascii: "\\") else { continue }
            guard index < bytes.count else { return false }
            switch bytes[index] {
            case 0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74: index += 1
            case UInt8(ascii: "u"):
                guard index + 4 < bytes.count else { return false }
                for place in 1...4 where Characters.hexValue(bytes[index + place]) == nil { return false }
                index += 5
            default: return false
            }
        }
        return false
    }

    /// Takes a literal or a number.
    private static func word(_ bytes: Span<UInt8>, _ index: inout Int) -> Bool {
        switch bytes[index] {
        case UInt8(ascii: "t"): return literal(bytes, &index, "true")
        case UInt8(ascii: "f"): return literal(bytes, &index, "false")
        case UInt8(ascii: "n"): return literal(bytes, &index, "null")
        case UInt8(ascii: "N"): return literal(bytes, &index, "NaN")
        case UInt8(ascii: "I"): return literal(bytes, &index, "Infinity")
        case UInt8(ascii: "-"):
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "I") { return literal(bytes, &index, "Infinity") }
            return number(bytes, &index)
        default: return number(bytes, &index)
        }
    }

    private static func literal(_ bytes: Span<UInt8>, _ index: inout Int, _ text: String) -> Bool {
        for byte in text.utf8 {
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
        }
        return true
    }

    /// Takes a number without its sign.
    private static func number(_ bytes: Span<UInt8>, _ index: inout Int) -> Bool {
        let first = index
        guard digits(bytes, &index) else { return false }
        if bytes[first] == UInt8(ascii: "0"), index - first > 1 { return false }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            guard digits(bytes, &index) else { return false }
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index += 1
            }
            guard digits(bytes, &index) else { return false }
        }
        return true
    }

    /// Takes what digits there are; false: none.
    private static func digits(_ bytes: Span<UInt8>, _ index: inout Int) -> Bool {
        let first = index
        while index < bytes.count, bytes[index] &- 0x30 < 10 { index += 1 }
        return index > first
    }
}
