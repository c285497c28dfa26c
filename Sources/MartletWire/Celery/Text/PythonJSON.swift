/// Writes JSON as Python's `json.dumps` does: `, ` and `: ` between values, ASCII alone.
struct PythonJSON {
    private(set) var bytes: [UInt8] = []

    init(reserving count: Int = 0) {
        bytes.reserveCapacity(count)
    }

    /// Adds bytes that are JSON, or a part of it.
    mutating func put(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    mutating func put(_ part: some Collection<UInt8>) {
        bytes.append(contentsOf: part)
    }

    /// Adds bytes as base64, between quotes that are there already.
    mutating func put(base64 body: [UInt8]) {
        Base64.encode(body, into: &bytes)
    }

    mutating func write(_ json: RawJSON?) {
        if let json { bytes.append(contentsOf: json.bytes) } else { put("null") }
    }

    mutating func write(_ integer: Int?) {
        if let integer { bytes.append(contentsOf: String(integer).utf8) } else { put("null") }
    }

    mutating func write(_ number: Double?) {
        guard let number else { return put("null") }
        switch number {
        case _ where number.isNaN: put("NaN")
        case .infinity: put("Infinity")
        case -.infinity: put("-Infinity")
        default: bytes.append(contentsOf: number.description.utf8)
        }
    }

    mutating func write(_ bool: Bool) {
        put(bool ? "true" : "false")
    }

    mutating func write(_ text: String?) {
        guard let text else { return put("null") }
        bytes.append(0x22)
        if Self.isPlain(text.utf8Span.span) {
            bytes.append(contentsOf: text.utf8)
        } else {
            for unit in text.utf16 { escape(unit) }
        }
        bytes.append(0x22)
    }

    mutating func write(_ object: RawObject) {
        bytes.append(UInt8(ascii: "{"))
        for (index, member) in object.members.enumerated() {
            if index > 0 { put(", ") }
            write(member.name)
            put(": ")
            write(member.value)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    mutating func write<Element>(list: [Element], _ element: (inout PythonJSON, Element) -> Void) {
        bytes.append(UInt8(ascii: "["))
        for (index, value) in list.enumerated() {
            if index > 0 { put(", ") }
            element(&self, value)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: put("null")
        case .bool(let bool): write(bool)
        case .integer(let integer): bytes.append(contentsOf: String(integer).utf8)
        case .number(let number): write(number)
        case .string(let text): write(text)
        case .array(let values): write(list: values) { $0.write($1) }
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { put(", ") }
                write(member.key)
                put(": ")
                write(member.value)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// Stands for itself between quotes.
    private static func isPlain(_ text: Span<UInt8>) -> Bool {
        for index in text.indices {
            let byte = text[index]
            guard byte >= 0x20, byte < 0x7f, byte != 0x22, byte != 0x5c else { return false }
        }
        return true
    }

    private mutating func escape(_ unit: UInt16) {
        switch unit {
        case 0x22: put("\\\"")
        case 0x5c: put("\\\\")
        case 0x0a: put("\\n")
        case 0x0d: put("\\r")
        case 0x09: put("\\t")
        case 0x08: put("\\b")
        case 0x0c: put("\\f")
        case 0x20..<0x7f: bytes.append(UInt8(truncatingIfNeeded: unit))
        default:
            put("\\u")
            for shift in [12, 8, 4, 0] {
                let digit = UInt8(truncatingIfNeeded: unit >> UInt16(shift)) & 0x0f
                bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
            }
        }
    }
}
