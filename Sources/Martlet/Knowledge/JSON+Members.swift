import MartletWire

extension JSONValue {
    /// The text of a string; nil: it is something else.
    var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// A whole number; nil: it is something else.
    var count: Int? {
        if case .integer(let value) = self { Int(exactly: value) } else { nil }
    }

    /// Any number; nil: it is something else.
    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}
