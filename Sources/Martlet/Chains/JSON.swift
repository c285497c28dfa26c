import Foundation
public import MartletWire

/// Any JSON value.
public typealias JSON = JSONValue

/// Named values: what a ``Prompt`` takes and a ``Parallel`` gives.
public typealias Fields = [String: JSON]

extension JSONValue {
    /// What `value` is as JSON.
    ///
    /// - Throws: `EncodingError`, where it has no such form.
    public init(of value: some Encodable) throws {
        switch value {
        case let value as JSON: self = value
        case let value as String: self = .string(value)
        default: self = try JSONDecoder().decode(JSON.self, from: Data(Self.text(of: value).utf8))
        }
    }

    /// The value as a Swift type.
    ///
    /// - Throws: `DecodingError`, where it is none.
    public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        if let value = self as? Value { return value }
        return try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    /// The text of a string, else the value as JSON.
    public var words: String {
        if case .string(let text) = self { text } else { text }
    }

    /// Compact JSON.
    static func text(of value: some Encodable) throws -> String {
        if let value = value as? JSON { return value.text }
        if let value = value as? String { return JSON.string(value).text }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func parse(_ bytes: some Sequence<UInt8>) throws -> JSON {
        try JSONDecoder().decode(JSON.self, from: Data(bytes))
    }
}

extension UUID {
    /// As it is written elsewhere: in small letters.
    var text: String { uuidString.lowercased() }
}
