import MartletWire
import MartletWorkers

/// The OpenAPI description of what an app serves, made of the schemas that the app states.
struct OpenAPIDocument {
    private static let schemaPlace = "#/components/schemas/"

    private var paths: [String: JSONValue] = [:]
    private var schemas: [String: JSONValue] = [:]

    private let title: String

    /// - Parameters:
    ///   - apis: What is served. One whose path stands for all below it has no description of its own.
    ///   - reads: Paths that are read with GET, and what each is.
    init(title: String, _ apis: [WorkerAPI], reads: [(path: String, summary: String)]) {
        self.title = title
        for (path, summary) in reads {
            paths[path] = ["get": ["summary": .string(summary), "responses": ["200": ["description": "OK"]]]]
        }
        for api in apis where !api.path.hasSuffix("*") {
            var operations: JSONValue = [:]
            for method in api.methods { operations[method.lowercased()] = operation(of: api, method) }
            paths[api.path] = operations
        }
    }

    /// As JSON.
    var text: String {
        let document: JSONValue = [
            "openapi": "3.1.0", "info": ["title": .string(title), "version": "0.1.0"], "paths": .object(paths),
            "components": ["schemas": .object(schemas)],
        ]
        return document.text
    }

    private mutating func operation(of api: WorkerAPI, _ method: String) -> JSONValue {
        let name = api.path.split(separator: "/").joined(separator: "_")
        let answer = api.responseSchema.map { placed($0, api: name) } ?? [:]
        // A stream's pieces are text, lines of JSON or events: only the model knows.
        let isFree = api.isStream && api.responseSchema == nil
        let media: JSONValue = isFree ? [:] : ["application/json": ["schema": answer]]
        var operation: JSONValue = [
            "operationId": .string(name.isEmpty ? method.lowercased() : name),
            "responses": [
                "200": ["description": "The model's answer", "content": media],
                "401": ["description": "The caller may not"],
                "422": ["description": "The body is not what the model expects"],
                "503": ["description": "No worker can take the request in time; Retry-After says when to try again"],
            ],
        ]
        if method != "GET" {
            let schema = api.requestSchema.map { placed($0, api: name) } ?? [:]
            operation["requestBody"] = ["required": true, "content": ["application/json": ["schema": schema]]]
        }
        return operation
    }

    /// The schema with its definitions among the document's.
    private mutating func placed(_ schema: JSONValue, api: String) -> JSONValue {
        guard case .object(let definitions)? = schema["$defs"] else { return schema }
        var names: [String: String] = [:]
        for name in definitions.keys {
            // Two APIs may mean different things by one name.
            names[name] = schemas[name] == nil ? name : "\(api).\(name)"
        }
        for (name, definition) in definitions {
            schemas[names[name] ?? name] = Self.renaming(definition, names)
        }
        var rest = schema
        rest["$defs"] = nil
        return Self.renaming(rest, names)
    }

    private static func renaming(_ schema: JSONValue, _ names: [String: String]) -> JSONValue {
        switch schema {
        case .array(let values): .array(values.map { renaming($0, names) })
        case .string(let text) where text.hasPrefix("#/$defs/"):
            .string(schemaPlace + (names[String(text.dropFirst("#/$defs/".count))] ?? ""))
        case .object(let members): .object(members.mapValues { renaming($0, names) })
        default: schema
        }
    }
}
