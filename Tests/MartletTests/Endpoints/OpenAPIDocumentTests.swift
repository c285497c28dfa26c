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
