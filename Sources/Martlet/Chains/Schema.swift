public import Foundation
public import MartletWire

/// A type that says its own JSON Schema. Others have one made of what they decode.
public protocol HasSchema {
    static var schema: JSON { get }
}

extension String: HasSchema { public static var schema: JSON { ["type": "string"] } }
extension Bool: HasSchema { public static var schema: JSON { ["type": "boolean"] } }
extension Int: HasSchema { public static var schema: JSON { ["type": "integer"] } }
extension Int32: HasSchema { public static var schema: JSON { ["type": "integer"] } }
extension Int64: HasSchema { public static var schema: JSON { ["type": "integer"] } }
extension UInt: HasSchema { public static var schema: JSON { ["type": "integer", "minimum": 0] } }
extension Double: HasSchema { public static var schema: JSON { ["type": "number"] } }
extension Float: HasSchema { public static var schema: JSON { ["type": "number"] } }
extension URL: HasSchema { public static var schema: JSON { ["type": "string", "format": "uri"] } }
extension UUID: HasSchema { public static var schema: JSON { ["type": "string", "format": "uuid"] } }
extension JSONValue: HasSchema { public static var schema: JSON { [:] } }
extension Array: HasSchema {
    public static var schema: JSON { ["type": "array", "items": Schema.of(Element.self)] }
}
extension Dictionary: HasSchema {
    public static var schema: JSON { ["type": "object", "additionalProperties": Schema.of(Value.self)] }
}
extension Optional: HasSchema {
    public static var schema: JSON { ["anyOf": [Schema.of(Wrapped.self), ["type": "null"]]] }
}

/// JSON Schemas of Swift types.
enum Schema {
    /// Types that contain themselves are described so deep.
    private static let deepest = 6
    @TaskLocal private static var depth = 0

    static func of(_ type: Any.Type) -> JSON {
        guard depth < deepest else { return [:] }
        return $depth.withValue(depth + 1) {
            if let type = type as? any HasSchema.Type { return type.schema }
            guard let type = type as? any Decodable.Type else { return [:] }
            return Probe.schema(of: type)
        }
    }

    /// The same, with a title where the type says none.
    static func of(_ type: Any.Type, named name: String) -> JSON {
        var schema = of(type)
        if schema["title"] == nil { schema["title"] = .string(name) }
        return schema
    }

    /// `max_tokens`, `maxTokens`: `Max Tokens`.
    static func title(_ name: String) -> String {
        var words: [String] = [""]
        for character in name {
            if character == "_" || character == "-" {
                words.append("")
            } else if character.isUppercase, words[words.count - 1].last?.isLowercase == true {
                words.append(String(character))
            } else {
                words[words.count - 1].append(character)
            }
        }
        return words.filter { !$0.isEmpty }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: " ")
    }
}
