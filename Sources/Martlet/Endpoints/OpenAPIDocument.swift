import MartletWire

/// The OpenAPI description of what is served, made of the schemas that apps state, and Swift models and chains have.
struct OpenAPIDocument {
    private var paths: [String: JSONValue] = [:]
    var schemas = OpenAPISchemas()

    private var operationNames: Set<String> = []
    private let title: String

    /// - Parameters:
    ///   - apis: What is served. One whose path stands for all below it has no description of its own, but a chain.
    ///   - reads: Paths that are read with GET, and what each is.
    init(title: String, _ apis: [APIDescription], reads: [(path: String, summary: String)]) {
        self.title = title
        for (path, summary) in reads {
            paths[path] = ["get": ["summary": .string(summary), "responses": ["200": ["description": "OK"]]]]
        }
        for api in apis {
            if let chain = api.chain, api.route.hasSuffix("/") { add(chain, below: api.route) }
            guard !api.path.hasSuffix("*") else { continue }
            var operations = paths[api.path] ?? [:]
            var described: Set<String> = []
            for method in api.methods where Self.methods.contains(method) && described.insert(method).inserted {
                operations[method.lowercased()] = operation(of: api, method)
            }
            paths[api.path] = operations
        }
    }

    /// As JSON.
    var text: String {
        let document: JSONValue = [
            "openapi": "3.1.0", "info": ["title": .string(title), "version": "0.1.0"], "paths": .object(paths),
            "components": ["schemas": .object(schemas.all)],
        ]
        return document.text
    }

    /// A path that comes with what serves it.
    mutating func add(
        _ path: String, _ method: String, _ summary: String, _ name: String, _ parameters: JSONValue = [],
        body: JSONValue? = nil, answer: JSONValue = [:], of media: String = "application/json"
    ) {
        var operation: JSONValue = [
            "summary": .string(summary), "operationId": .string(operationName(name, method)), "parameters": parameters,
            "responses": [
                "200": ["description": "OK", "content": .object([media: ["schema": answer]])],
                "default": ["description": "An error"],
            ],
        ]
        if let body {
            operation["requestBody"] = ["required": true, "content": ["application/json": ["schema": body]]]
        }
        var operations = paths[path] ?? [:]
        operations[method] = operation
        paths[path] = operations
    }

    /// Those that a document can describe.
    private static let methods: Set = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH"]

    /// Unique, as it must be.
    private mutating func operationName(_ name: String, _ method: String) -> String {
        let candidates = [name, "\(name)_\(method.lowercased())"] + (2...99).map { "\(name)_\($0)" }
        let free = candidates.first { !operationNames.contains($0) } ?? name
        operationNames.insert(free)
        return free
    }

    /// A path as a name; `root` for that of all.
    static func name(of path: String) -> String {
        let words = path.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        let name = String(words).split(separator: "_").joined(separator: "_")
        return name.isEmpty ? "root" : name
    }

    private mutating func operation(of api: APIDescription, _ method: String) -> JSONValue {
        let name = Self.name(of: api.path)
        let answer = api.responseSchema.map { schemas.place($0, of: name) } ?? [:]
        // A stream's pieces are text, lines of JSON or events: only the model knows.
        let isFree = api.isStream && api.responseSchema == nil
        let media: JSONValue = isFree ? [:] : ["application/json": ["schema": answer]]
        var operation: JSONValue = [
            "operationId": .string(operationName(name, method)),
            "responses": [
                "200": ["description": "The model's answer", "content": media],
                "401": ["description": "The caller may not"],
                "422": ["description": "The body is not what the model expects"],
                "503": ["description": "No worker can take the request in time; Retry-After says when to try again"],
            ],
        ]
        if method != "GET", method != "HEAD" {
            let schema = api.requestSchema.map { schemas.place($0, of: name) } ?? [:]
            operation["requestBody"] = ["required": true, "content": ["application/json": ["schema": schema]]]
        }
        return operation
    }
}
