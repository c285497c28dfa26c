import MartletNet
import MartletWire
import NIOCore

// What the desk reads of JSON and of the broker's answers.
extension JSONValue {
    /// nil: no JSON.
    static func parsed(_ bytes: some Sequence<UInt8>) -> JSONValue? {
        (try? RawJSON(Array(bytes)))?.value
    }

    var double: Double? {
        switch self {
        case .number(let number): number
        case .integer(let number): Double(number)
        default: nil
        }
    }

    var int: Int? { double.flatMap { Int(exactly: $0.rounded()) } }

    /// The text of a string, or the value as JSON; nil: there is none.
    var plainText: String? {
        switch self {
        case .null: nil
        case .string(let text): text
        default: text
        }
    }

    static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    static func optional(_ number: Double?) -> JSONValue { number.map { .number($0) } ?? .null }
    static func optional(_ number: Int?) -> JSONValue { number.map { .integer(Int64($0)) } ?? .null }
}

extension RESPValue {
    var bytes: ByteBuffer? {
        if case .bulk(let bytes) = self { bytes } else { nil }
    }

    var string: String? {
        switch self {
        case .bulk(let bytes), .verbatim(format: _, let bytes): String(buffer: bytes)
        case .simple(let text): text
        default: nil
        }
    }

    /// The elements of an array or a set; none of anything else.
    var elements: [RESPValue] {
        switch self {
        case .array(let elements), .set(let elements): elements
        default: []
        }
    }
}

extension [RESPValue] {
    /// These replies, none of which may be a refusal.
    func accepted() throws -> [RESPValue] {
        for case .error(let text) in self { throw RedisError(reply: text) }
        return self
    }
}

/// A command of the broker's.
func command(_ words: String...) -> [ByteBuffer] { command(words) }
