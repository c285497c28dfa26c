import MartletBase

/// One JSON value as it stands in a text: checked, not decoded.
///
/// Arguments and results pass through Martlet. What it need not read it must not change: whole numbers of any length,
/// the order of keys, `1.0` beside `1`, and the types that kombu marks with `__type__` stay as their sender wrote them.
/// Two are equal when their bytes are.
public struct RawJSON: Sendable, Hashable {
    /// Without blanks around it.
    public let bytes: ArraySlice<UInt8>

    public static let null = RawJSON(unchecked: Array("null".utf8)[...])
    public static let emptyList = RawJSON(unchecked: Array("[]".utf8)[...])
    public static let emptyObject = RawJSON(unchecked: Array("{}".utf8)[...])

    /// - Throws: when the bytes are no JSON, are nested more than 256 deep or are not UTF-8. Python's `NaN` and
    ///   `Infinity` pass.
    public init(_ bytes: [UInt8]) throws(WireError) {
        try self.init(bytes[...])
    }

    /// As ``init(_:)``, of a part.
    public init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        let span = bytes.span
        guard let range = JSONCheck.range(span, from: 0) else { throw Self.notJSON }
        var end = range.upperBound
        JSONCheck.skipBlanks(span, &end)
        guard end == span.count, Self.isUTF8(bytes) else { throw Self.notJSON }
        let start = bytes.startIndex
        self.bytes = bytes[start + range.lowerBound..<start + range.upperBound]
    }

    /// As Python writes it: `, ` and `: ` between values, ASCII alone. Keys come in the order of their names.
    public init(_ value: JSONValue) {
        var writer = PythonJSON()
        writer.write(value)
        self.init(unchecked: writer.bytes[...])
    }

    public init(_ text: String) {
        var writer = PythonJSON()
        writer.write(text)
        self.init(unchecked: writer.bytes[...])
    }

    /// A list of values.
    public init(list: [RawJSON]) {
        var writer = PythonJSON()
        writer.write(list: list) { $0.write($1) }
        self.init(unchecked: writer.bytes[...])
    }

    /// `bytes` are JSON, without blanks around it.
    init(unchecked bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public var isNull: Bool { bytes.spells("null") }
    public var isList: Bool { bytes.first == UInt8(ascii: "[") }
    public var isObject: Bool { bytes.first == UInt8(ascii: "{") }

    /// Of a string.
    public var string: String? {
        guard bytes.first == UInt8(ascii: "\""), bytes.count >= 2 else { return nil }
        return JSONString.decode(bytes.dropFirst().dropLast())
    }

    /// Of a whole number that fits, also when it is written as `2.0`.
    public var integer: Int? {
        guard bytes.count <= 24, let first = bytes.first, first == 0x2d || first &- 0x30 < 10 else { return nil }
        return Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
    }

    /// Of a number.
    public var number: Double? {
        guard let first = bytes.first, first == 0x2d || first &- 0x30 < 10 else { return nil }
        return Double(text)
    }

    public var bool: Bool? {
        switch bytes.count {
        case 4 where bytes.spells("true"): true
        case 5 where bytes.spells("false"): false
        default: nil
        }
    }

    /// The elements of a list; nil: it is none.
    public var elements: [RawJSON]? {
        guard isList else { return nil }
        let span = bytes.span
        var index = 1
        var elements: [RawJSON] = []
        guard !JSONCheck.take(span, &index, UInt8(ascii: "]")) else { return elements }
        repeat {
            guard let range = JSONCheck.range(span, from: index) else { return nil }
            elements.append(part(range))
            index = range.upperBound
        } while JSONCheck.take(span, &index, UInt8(ascii: ","))
        return elements
    }

    /// The member of an object; nil: there is none, or it is no object. Of two of one name the last counts.
    public subscript(_ name: String) -> RawJSON? { RawObject(self)?[name] }

    /// The element of a list; nil: there is none.
    public func element(_ index: Int) -> RawJSON? {
        guard let elements, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    func part(_ range: Range<Int>) -> RawJSON {
        let start = bytes.startIndex
        return RawJSON(unchecked: bytes[start + range.lowerBound..<start + range.upperBound])
    }

    static var notJSON: WireError { WireError(.invalidBody, "not the JSON that was expected") }

    private static func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
    }
}

extension RawJSON {
    /// Decoded. Whole numbers beyond 64 bits become floating point; of half a surrogate pair its escape is left.
    public var value: JSONValue {
        var cursor = JSONCursor(bytes)
        return (try? Self.read(&cursor)) ?? .null
    }

    private static func read(_ cursor: inout JSONCursor) throws(WireError) -> JSONValue {
        switch cursor.peek() {
        case UInt8(ascii: "["):
            var values: [JSONValue] = []
            try cursor.array { cursor throws(WireError) in values.append(try read(&cursor)) }
            return .array(values)
        case UInt8(ascii: "{"):
            var members: [String: JSONValue] = [:]
            try cursor.members { name, cursor throws(WireError) in
                members[unescaped(cursor[name])] = try read(&cursor)
            }
            return .object(members)
        default: return scalar(try cursor.value())
        }
    }

    /// The text of a string with its quotes.
    static func unquoted(_ quoted: ArraySlice<UInt8>) -> String { unescaped(quoted.dropFirst().dropLast()) }

    /// What it cannot decode stays as it is.
    private static func unescaped(_ inside: ArraySlice<UInt8>) -> String {
        JSONString.decode(inside) ?? String(decoding: inside, as: UTF8.self)
    }

    private static func scalar(_ bytes: ArraySlice<UInt8>) -> JSONValue {
        if bytes.first == UInt8(ascii: "\"") { return .string(unquoted(bytes)) }
        guard let scalar = JSONScalar(bytes) else {
            return .number(Double(String(decoding: bytes, as: UTF8.self)) ?? .nan)
        }
        switch scalar.kind {
        case .null: return .null
        case .bool(let bool): return .bool(bool)
        case .integer: return Int64(scalar.text).map { .integer($0) } ?? .number(Double(scalar.text) ?? .nan)
        case .number, .string: return .number(Double(scalar.text) ?? .nan)
        }
    }
}

extension RawJSON: CustomStringConvertible {
    public var description: String { text }
}
