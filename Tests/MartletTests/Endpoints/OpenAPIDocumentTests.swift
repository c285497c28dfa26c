import Foundation
import MartletWire
import MartletWorkers
import Testing

@testable import Martlet

@Suite("The description of what is served")
struct OpenAPIDocumentTests {
    private func api(_ path: String, schema: JSONValue? = nil) -> APIDescription {
        APIDescription(name: path, path: path, requestSchema: schema)
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

    @Test("Entries of cron are described, and how one is handed in")
    func cron() throws {
        var document = OpenAPIDocument(title: "Martlet", [], reads: [])
        document.addTasks()
        let paths = try read(document)["paths"]
        let answer = paths?["/cron"]?["get"]?["responses"]?["200"]?["content"]?["application/json"]?["schema"]
        let entry = answer?["properties"]?["entries"]?["items"]?["properties"]
        #expect(entry?["name"] == ["type": "string"] && entry?["next_run"] == ["type": ["string", "null"]])
        #expect(paths?["/cron/{name}/run"]?["post"]?["operationId"] != nil)
    }

    @Test("Tasks are described with all that can be done to them")
    func tasks() throws {
        var document = OpenAPIDocument(title: "tasks", [], reads: [])
        document.addTasks()
        let paths = try read(document)["paths"]
        for (path, method) in [
            ("/tasks", "post"), ("/tasks", "get"), ("/tasks", "delete"), ("/tasks/{id}", "get"),
            ("/tasks/{id}", "delete"), ("/queues/{name}/dead/replay", "post"),
        ] {
            #expect(paths?[path]?[method]?["operationId"] != nil, "\(method) \(path)")
        }
        guard case .array(let parameters)? = paths?["/tasks"]?["delete"]?["parameters"] else {
            Issue.record("no parameters")
            return
        }
        #expect(parameters.compactMap { $0["name"] } == ["state", "name", "queue", "limit", "terminate"])
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

    @Test("One definition that two APIs bring is there once, whatever it refers to")
    func sharedDefinitions() throws {
        let call: JSONValue = ["type": "object"]
        let message: JSONValue = ["properties": ["calls": ["items": ["$ref": "#/$defs/Call"]]]]
        let schema: JSONValue = ["$ref": "#/$defs/Message", "$defs": ["Message": message, "Call": call]]
        var other = schema
        other["$defs"]?["Call"] = ["type": "string"]
        let apis = [api("/one", schema: schema), api("/two", schema: schema), api("/other", schema: other)]
        let document = try read(OpenAPIDocument(title: "model.py", apis, reads: []))
        let place = "#/components/schemas/"
        #expect(body(document, "/one") == ["$ref": .string(place + "Message")])
        #expect(body(document, "/two") == body(document, "/one"))
        #expect(body(document, "/other") == ["$ref": .string(place + "other.Message")])
        func calls(_ name: String) -> JSONValue { ["properties": ["calls": ["items": ["$ref": .string(place + name)]]]] }
        #expect(
            document["components"]?["schemas"] == [
                "Message": calls("Call"), "Call": call, "other.Message": calls("other.Call"),
                "other.Call": ["type": "string"],
            ])
    }

    /// Definitions each of which refers to the next one; the last one is of this type.
    private func chained(_ count: Int, ending type: String) -> JSONValue {
        var definitions: [String: JSONValue] = ["D\(count - 1)": ["type": .string(type)]]
        for number in 0..<count - 1 { definitions["D\(number)"] = ["$ref": .string("#/$defs/D\(number + 1)")] }
        return ["$ref": "#/$defs/D0", "$defs": .object(definitions)]
    }

    @Test("Many definitions that refer to each other take no longer than they are many", .timeLimit(.minutes(1)))
    func manyDefinitions() throws {
        let count = OpenAPISchemas.mostDefinitions
        let (one, other) = (chained(count, ending: "integer"), chained(count, ending: "string"))
        var apis = (0..<20).map { api("/same\($0)", schema: one) }
        apis += (0..<10).map { api("/other\($0)", schema: other) }
        let clock = ContinuousClock()
        var document = OpenAPIDocument(title: "model.py", [], reads: [])
        let time = clock.measure { document = OpenAPIDocument(title: "model.py", apis, reads: []) }
        // With all that each of them means it would be thirty times half a million definitions.
        #expect(time < .seconds(10), "\(time)")
        #expect(document.schemas.all.count == 2 * count && document.schemas.leftOpen.isEmpty)
        let place = "#/components/schemas/"
        #expect(document.schemas.all["other0.D0"] == ["$ref": .string(place + "other0.D1")])
        #expect(body(try read(document), "/other9") == ["$ref": .string(place + "other0.D0")])
    }

    @Test("A schema with too many definitions is left open, and it is said whose")
    func tooManyDefinitions() throws {
        let schema = chained(OpenAPISchemas.mostDefinitions + 1, ending: "integer")
        let chain = ChainDescription(input: schema, output: ["type": "string"], config: [:])
        let apis = [api("/predict", schema: schema), APIDescription(name: "/up/", path: "/up/*", chain: chain)]
        let document = OpenAPIDocument(title: "model.py", apis, reads: [])
        #expect(document.schemas.leftOpen == ["predict", "up"])
        #expect(body(try read(document), "/predict") == [:])
        #expect(document.schemas.all == ["up_output": ["type": "string"]])
    }

    @Test("Names that are written alike are told from each other, however many there are")
    func namesAlike() throws {
        var definitions: [String: JSONValue] = [:]
        for number in 0..<300 {
            // A letter that is none in the names of components.
            let letter = UnicodeScalar(0x4E00 + number).map { String($0) } ?? ""
            definitions[letter] = ["const": .integer(Int64(number))]
        }
        let apis = ["a", "b"].map { api("/\($0)", schema: ["$defs": .object(definitions)]) }
        let document = OpenAPIDocument(title: "model.py", apis, reads: [])
        #expect(Set(document.schemas.all.values) == Set(definitions.values))
        #expect(document.schemas.all.count == definitions.count)
    }

    @Test("A chain is described at each of its paths, with and without a configuration in it, its schemas once")
    func chains() throws {
        let input: JSONValue = ["$ref": "#/$defs/Topic", "$defs": ["Topic": ["type": "object"]]]
        let whole = ChainDescription(input: input, output: ["type": "string"], config: [:])
        let part = ChainDescription(
            input: input, output: [:], config: ["type": "object"], endpoints: ["invoke"], takesHashes: false)
        let apis = [
            APIDescription(name: "/joke/", path: "/joke/*", chain: whole),
            APIDescription(name: "/", path: "/*", chain: part),
        ]
        let document = try read(OpenAPIDocument(title: "chain.py", apis, reads: []))
        guard case .object(let paths)? = document["paths"] else { return #expect(Bool(false), "no paths") }
        let ends = [
            "batch", "config_schema", "input_schema", "invoke", "output_schema", "stream", "stream_events", "stream_log",
        ]
        let wanted = ends.flatMap { ["/joke/\($0)", "/joke/c/{config_hash}/\($0)"] } + ["/invoke"]
        #expect(Set(paths.keys) == Set(wanted))
        let place = "#/components/schemas/"
        let member = body(document, "/joke/c/{config_hash}/stream")?["properties"]
        #expect(member?["input"] == ["$ref": .string(place + "joke_input")] && member?["config"] == [:])
        #expect(body(document, "/joke/batch")?["properties"]?["inputs"]?["items"] == member?["input"])
        let content = { (path: String) in paths[path]?["post"]?["responses"]?["200"]?["content"] }
        #expect(content("/joke/stream")?["text/event-stream"] != nil)
        let answer = content("/joke/invoke")?["application/json"]?["schema"]
        #expect(answer?["properties"]?["output"] == ["$ref": .string(place + "joke_output")])
        let topic: JSONValue = ["$ref": .string(place + "Topic")]
        #expect(
            document["components"]?["schemas"] == [
                "Topic": ["type": "object"], "joke_input": topic, "joke_output": ["type": "string"],
                "root_input": topic, "root_config": ["type": "object"],
            ])
        let names = paths.values.compactMap { ($0["post"] ?? $0["get"])?["operationId"] }
        #expect(Set(names).count == paths.count)
    }

    @Test("A model and a chain in Swift are described by their types")
    func swift() throws {
        let chain = Chain("/joke", Prompt("{topic}") | Lambda("words") { (value: PromptValue) in "\(value)" })
        let apis = [API("/double", Doubling()).served.api, chain.served.api]
        let document = try read(OpenAPIDocument(title: "jokes", apis, reads: []))
        #expect(body(document, "/double")?["required"] == ["number"])
        let answer = document["paths"]?["/double"]?["post"]?["responses"]?["200"]?["content"]
        #expect(answer?["application/json"]?["schema"]?["properties"]?["double"]?["type"] == "integer")
        #expect(document["components"]?["schemas"]?["joke_input"]?["required"] == ["topic"])
        #expect(document["components"]?["schemas"]?["joke_output"]?["type"] == "string")
        #expect(document["paths"]?["/joke/config_schema"]?["get"] != nil)
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
