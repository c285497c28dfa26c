import MartletWire
import Testing

@testable import Martlet

@Suite("Schemas of Swift types")
struct SchemaTests {
    enum Kind: String, Codable, CaseIterable { case small, large }

    struct Inner: Codable {
        var x: Int
        var y: Double?
    }

    struct Outer: Codable {
        var maxTokens: Int
        var isOn: Bool
        var kind: Kind
        var inner: [Inner]
        var names: [String: String]?
        var child: [Outer]
    }

    @Test("Members, their types, and which must be there")
    func members() {
        let schema = Schema.of(Outer.self)
        #expect(schema["type"] == "object" && schema["title"] == "Outer")
        #expect(schema["required"] == ["maxTokens", "isOn", "kind", "inner", "child"])
        #expect(schema["properties"]?["maxTokens"] == ["title": "Max Tokens", "type": "integer"])
        #expect(schema["properties"]?["isOn"]?["type"] == "boolean")
        #expect(schema["properties"]?["kind"]?["enum"] == ["small", "large"])
        let inner = schema["properties"]?["inner"]?["items"]
        #expect(inner?["required"] == ["x"] && inner?["properties"]?["y"]?["type"] == "number")
        #expect(schema["properties"]?["names"]?["additionalProperties"]?["type"] == "string")
    }

    @Test("What does not fit is said with its place")
    func problems() {
        let schema = Schema.of(Outer.self)
        let value: JSON = [
            "maxTokens": "7", "isOn": true, "kind": "none", "inner": [["x": 1], ["y": 2]], "child": 3,
        ]
        let found = SchemaCheck.problems(of: value, schema).map { "\($0["type"]?.words ?? "") \($0["loc"]?.text ?? "")" }
        #expect(
            found == [
                #"list_type ["child"]"#, #"missing ["inner",1,"x"]"#, #"enum ["kind"]"#, #"int_parsing ["maxTokens"]"#,
            ])
    }

    @Test("A prompt needs its variables")
    func prompt() {
        let schema = Prompt(.system("{a}"), .messages("past"), .human("{b} {a}")).inputSchema
        #expect(schema["required"] == ["a", "past", "b"])
        #expect(schema["properties"]?["past"]?["type"] == "array")
    }
}
