import Foundation
import MartletWire

/// Finds out what a type decodes, by letting it decode: every key it asks for is noted, with the type of the value, and
/// answered with an example. What a type decodes only after it looked at a value stays unknown.
final class Probe: Decoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    fileprivate var properties: Fields = [:]
    fileprivate var required: [String] = []
    fileprivate var single: JSON?

    static func schema(of type: any Decodable.Type) -> JSON {
        if let cases = cases(type) { return ["title": .string("\(type)"), "enum": .array(cases)] }
        let probe = Probe()
        _ = try? type.init(from: probe)
        if let single = probe.single { return single }
        return [
            "title": .string("\(type)"), "type": "object", "properties": .object(probe.properties),
            "required": .array(probe.required.map { .string($0) }),
        ]
    }

    /// What an enumeration may be.
    private static func cases(_ type: any Decodable.Type) -> [JSON]? {
        func all<Type: CaseIterable>(_ type: Type.Type) -> [JSON]? {
            let values = Type.allCases.compactMap { ($0 as? any Encodable).flatMap { try? JSON(of: $0) } }
            return values.isEmpty ? nil : values
        }
        return (type as? any CaseIterable.Type).flatMap { all($0) }
    }

    fileprivate static func example<Value: Decodable>(_ type: Value.Type) throws -> Value {
        func first<Type: CaseIterable>(_ type: Type.Type) -> Any? { Type.allCases.first }
        if let type = type as? any CaseIterable.Type, let value = first(type) as? Value { return value }
        if let value = UUID() as? Value { return value }
        if let value = URL(filePath: "/") as? Value { return value }
        return try Value(from: Probe())
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(KeyedProbe<Key>(probe: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        single = ["type": "array", "items": [:]]
        return UnkeyedProbe()
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleProbe(probe: self) }
}

private struct KeyedProbe<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let probe: Probe
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    func contains(_ key: Key) -> Bool { true }
    func decodeNil(forKey key: Key) throws -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        note(type, key)
        if !probe.required.contains(key.stringValue) { probe.required.append(key.stringValue) }
        return try Probe.example(type)
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? { optional(type, key) }
    // Each of these would ask `decode` by itself.
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { optional(type, key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { optional(type, key) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { optional(type, key) }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { optional(type, key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { optional(type, key) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { optional(type, key) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { optional(type, key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { optional(type, key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { optional(type, key) }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { optional(type, key) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { optional(type, key) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { optional(type, key) }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { optional(type, key) }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { optional(type, key) }

    private func optional<Value>(_ type: Value.Type, _ key: Key) -> Value? {
        note(type, key)
        return nil
    }

    private func note(_ type: Any.Type, _ key: Key) {
        var schema = Schema.of(type)
        if schema["title"] == nil { schema["title"] = .string(Schema.title(key.stringValue)) }
        probe.properties[key.stringValue] = schema
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
        -> KeyedDecodingContainer<Nested>
    {
        probe.properties[key.stringValue] = ["type": "object"]
        return KeyedDecodingContainer(KeyedProbe<Nested>(probe: Probe()))
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        probe.properties[key.stringValue] = ["type": "array", "items": [:]]
        return UnkeyedProbe()
    }

    func superDecoder() throws -> any Decoder { Probe() }
    func superDecoder(forKey key: Key) throws -> any Decoder { Probe() }
}

private struct SingleProbe: SingleValueDecodingContainer {
    let probe: Probe
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        probe.single = Schema.of(type)
        switch type {
        case is Bool.Type: if let value = false as? Value { return value }
        case is String.Type: if let value = "" as? Value { return value }
        case is Double.Type: if let value = 0.0 as? Value { return value }
        default: break
        }
        if let type = type as? any FixedWidthInteger.Type, let value = type.init(0) as? Value { return value }
        if let value = Float(0) as? Value { return value }
        return try Probe.example(type)
    }
}

/// A list without elements.
private struct UnkeyedProbe: UnkeyedDecodingContainer {
    var codingPath: [any CodingKey] { [] }
    var count: Int? { 0 }
    var isAtEnd: Bool { true }
    var currentIndex: Int { 0 }

    private var end: DecodingError { .dataCorrupted(.init(codingPath: [], debugDescription: "an empty list")) }

    mutating func decodeNil() throws -> Bool { throw end }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { throw end }
    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        throw end
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { throw end }
    mutating func superDecoder() throws -> any Decoder { throw end }
}
