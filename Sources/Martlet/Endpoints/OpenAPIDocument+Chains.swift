import MartletWire
import MartletWorkers

// A chain's paths, which are LangServe's, as OpenAPI says them.
extension OpenAPIDocument {
    /// A chain's schemas, as the document refers to them.
    private struct Forms {
        let input: JSONValue
        let output: JSONValue
        let config: JSONValue
    }

    private struct Endpoint {
        let name: String
        let summary: String
        var method = "post"
        var body: JSONValue?
        var answer: JSONValue = ["type": "object"]
        var media = "application/json"
    }

    private static let hash: JSONValue = [
        "name": "config_hash", "in": "path", "required": true, "schema": ["type": "string"],
        "description": "A configuration as JSON, compressed by LZString for the path",
    ]

    /// - Parameter route: Ends in a slash.
    mutating func add(_ chain: ChainDescription, below route: String) {
        let owner = Self.name(of: route)
        let forms = Forms(
            input: schemas.place(chain.input, as: "\(owner)_input", of: owner),
            output: schemas.place(chain.output, as: "\(owner)_output", of: owner),
            config: schemas.place(chain.config, as: "\(owner)_config", of: owner))
        for endpoint in Self.endpoints(forms) where chain.endpoints.contains(endpoint.name) {
            add(endpoint, "\(route)\(endpoint.name)", "\(owner)_\(endpoint.name)")
            guard chain.takesHashes else { continue }
            add(endpoint, "\(route)c/{config_hash}/\(endpoint.name)", "\(owner)_c_\(endpoint.name)", [Self.hash])
        }
    }

    private mutating func add(
        _ endpoint: Endpoint, _ path: String, _ name: String, _ parameters: JSONValue = []
    ) {
        add(
            path, endpoint.method, endpoint.summary, name, parameters, body: endpoint.body, answer: endpoint.answer,
            of: endpoint.media)
    }

    private static func endpoints(_ forms: Forms) -> [Endpoint] {
        let runID: JSONValue = ["type": "string", "format": "uuid"]
        let metadata: JSONValue = [
            "type": "object", "properties": ["run_id": runID, "feedback_tokens": ["type": "array"]],
        ]
        let one = body(["input": forms.input, "config": forms.config], needs: "input")
        let chosen = body(choice.merging(["input": forms.input, "config": forms.config]) { $1 }, needs: "input")
        let many = body(
            [
                "inputs": list(of: forms.input),
                "config": ["anyOf": [forms.config, list(of: forms.config)]],
            ], needs: "inputs")
        let answers: JSONValue = [
            "type": "object", "properties": ["responses": list(of: metadata), "run_ids": list(of: runID)],
        ]
        return [
            Endpoint(name: "invoke", summary: "The output", body: one, answer: answer(forms.output, metadata)),
            Endpoint(
                name: "batch", summary: "The outputs", body: many, answer: answer(list(of: forms.output), answers)),
            events("stream", "The output, piece by piece", one),
            events("stream_log", "The state of the run, as patches of JSON", chosen),
            events("stream_events", "What goes on in the run", chosen),
            Endpoint(name: "input_schema", summary: "The JSON Schema of the input", method: "get"),
            Endpoint(name: "output_schema", summary: "The JSON Schema of the output", method: "get"),
            Endpoint(name: "config_schema", summary: "The JSON Schema of the configuration", method: "get"),
        ]
    }

    private static func events(_ name: String, _ summary: String, _ body: JSONValue) -> Endpoint {
        Endpoint(name: name, summary: summary, body: body, answer: ["type": "string"], media: "text/event-stream")
    }

    private static func body(_ properties: [String: JSONValue], needs name: String) -> JSONValue {
        ["type": "object", "required": [.string(name)], "properties": .object(properties)]
    }

    private static func answer(_ output: JSONValue, _ metadata: JSONValue) -> JSONValue {
        ["type": "object", "required": ["output", "metadata"], "properties": ["output": output, "metadata": metadata]]
    }

    private static func list(of items: JSONValue) -> JSONValue { ["type": "array", "items": items] }

    /// Which runs within the run are told of.
    private static let choice: [String: JSONValue] = {
        let words: JSONValue = ["anyOf": [list(of: ["type": "string"]), ["type": "null"]]]
        let names = ["include", "exclude"].flatMap { verb in ["names", "types", "tags"].map { "\(verb)_\($0)" } }
        return Dictionary(uniqueKeysWithValues: names.map { ($0, words) })
    }()
}
