import Foundation
import MartletWire
import MartletWorkers
import Testing

@testable import Martlet

@Suite("The description of what is served")
struct OpenAPIDocumentTests {
    private func api(_ path: String, schema: JSONValue? = nil) -> WorkerAPI {
        var api = WorkerAPI(path: path)
        api.requestSchema = schema
        return api
    }

    private func read(_ document: OpenAPIDocument) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: Data(document.text.utf8))
    }

    private func body(_ document: JSONValue, _ path: String) -> JSONValue? {
        document["paths"]?[path]?["post"]?["requestBody"]?["content"]?["application/json"]?["schema"]
    }

    @Test("Definitions of a schema are found where the document keeps them")
    func definitionsMove() throws {
        let schema: JSONValue = [
            "type": "object",
            "properties": ["size": ["$ref": "#/$defs/Size"], "all": ["items": ["$ref": "#/$defs/Size"]]],
            "$defs": ["Size": ["type": "integer"]],
        ]
        let document = try read(OpenAPIDocument(title: "model.py", [api("/predict", schema: schema)], reads: []))
        let place: JSONValue = ["$ref": "#/components/schemas/Size"]
        #expect(
            body(document, "/predict")
                == ["type": "object", "properties": ["size": place, "all": ["items": place]]])
        #expect(document["components"]?["schemas"] == ["Size": ["type": "integer"]])
    }

    @Test("One name means two things in two APIs: each keeps its own")
    func equalNames() throws {
        let apis = ["integer", "string"].map { type in
            api("/\(type)", schema: ["$ref": "#/$defs/Input", "$defs": ["Input": ["type": .string(type)]]])
        }
        let document = try read(OpenAPIDocument(title: "model.py", apis, reads: []))
        #expect(body(document, "/integer") == ["$ref": "#/components/schemas/Input"])
        #expect(body(document, "/string") == ["$ref": "#/components/schemas/string.Input"])
        #expect(document["components"]?["schemas"]?["string.Input"] == ["type": "string"])
    }

    @Test("Definitions in definitions, and references into them, lead to the document's")
    func nested() throws {
        let schema: JSONValue = [
            "properties": [
                "input": ["$ref": "#/$defs/Outer", "$defs": ["Inner": ["type": "integer"]]],
                "part": ["$ref": "#/$defs/Outer/properties/inner"], "odd": ["$ref": "#/$defs/List~1of[int]"],
                "pet": ["discriminator": ["mapping": ["cat": "#/$defs/Inner"]]],
                "text": ["default": "#/$defs/Inner"],
            ],
            "$defs": [
                "Outer": ["properties": ["inner": ["$ref": "#/$defs/Inner"]]], "List/of[int]": ["type": "array"],
            ],
        ]
        let document = try read(OpenAPIDocument(title: "model.py", [api("/predict", schema: schema)], reads: []))
        let place = "#/components/schemas/"
        let members = try #require(body(document, "/predict")?["properties"])
        #expect(members["input"] == ["$ref": .string(place + "Outer")])
        #expect(members["part"] == ["$ref": .string(place + "Outer/properties/inner")])
        #expect(members["odd"] == ["$ref": .string(place + "List_of_int_")])
        #expect(members["pet"] == ["discriminator": ["mapping": ["cat": .string(place + "Inner")]]])
        #expect(members["text"] == ["default": "#/$defs/Inner"])
        #expect(
            document["components"]?["schemas"] == [
                "Outer": ["properties": ["inner": ["$ref": .string(place + "Inner")]]], "Inner": ["type": "integer"],
                "List_of_int_": ["type": "array"],
            ])
    }

    @Test("A schema that refers to itself is found where the document keeps it")
    func recursive() throws {
        let schema: JSONValue = ["properties": ["next": ["$ref": "#"], "one": ["$ref": "#/properties/next"]]]
        let document = try read(OpenAPIDocument(title: "model.py", [api("/list", schema: schema)], reads: []))
        let place: JSONValue = ["$ref": "#/components/schemas/list_body"]
        #expect(body(document, "/list") == place)
        #expect(
            document["components"]?["schemas"]?["list_body"]?["properties"] == [
                "next": place, "one": ["$ref": "#/components/schemas/list_body/properties/next"],
            ])
    }

    @Test("What nobody described is there with a body of any kind; what stands for many paths is not")
    func undescribed() throws {
        let apis = [api("/predict"), api("/app/*")]
        let document = try read(OpenAPIDocument(title: "model.py", apis, reads: [("/health", "ok?")]))
        #expect(body(document, "/predict") == [:])
        guard case .object(let paths)? = document["paths"] else {
            Issue.record("no paths")
            return
        }
        #expect(paths.keys.sorted() == ["/health", "/predict"])
    }
}
