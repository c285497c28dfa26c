import MartletWire

// Knowledge, as OpenAPI says it.
extension OpenAPIDocument {
    /// Martlet's own paths; those of other products are described by them.
    mutating func addKnowledge() {
        let base = Self.parameter("base", in: "path", "A knowledge base")
        let name = Self.parameter("name", in: "path", "A document; its slashes are the path's")
        let limit = Self.parameter("limit", in: "query", "How many at most", type: "integer")
        let next = Self.parameter("next", in: "query", "`next` of the page before", type: "integer")
        add("/knowledge", "get", "Knowledge bases", "list_bases", answer: Self.list("bases"))
        add(
            "/knowledge", "post", "Make a base", "create_base",
            body: Self.object(
                ["name": "string", "description": "string", "embedding": "string"], required: ["name"]),
            answer: Self.base)
        add("/knowledge/{base}", "get", "A base", "get_base", [base], answer: Self.base)
        add(
            "/knowledge/{base}", "patch", "Describe a base", "describe_base", [base],
            body: Self.object(["description": "string"], required: ["description"]), answer: Self.base)
        add("/knowledge/{base}", "delete", "Remove a base with all it has", "delete_base", [base])
        add(
            "/knowledge/{base}/reembed", "post",
            "Change the model of its vectors; with Accept: text/event-stream progress is told", "reembed_base", [base],
            body: Self.object(["embedding": "string"]), answer: Self.base)
        let documents = "/knowledge/{base}/documents"
        add(documents, "get", "Documents", "list_documents", [base, limit, next], answer: Self.list("documents"))
        add(
            documents, "post", "Add files (multipart/form-data); with Accept: text/event-stream progress is told",
            "add_documents", [base], answer: Self.taken)
        let document = documents + "/{name}"
        add(document, "get", "A document", "get_document", [base, name])
        add(document, "put", "Add or replace a document: the body is the file", "put_document", [base, name])
        add(document, "delete", "Remove a document", "delete_document", [base, name])
        let show = Self.parameter("show", in: "query", "In the browser", type: "boolean")
        add(document + "/file", "get", "The file as it was uploaded", "get_file", [base, name, show])
        let version = Self.parameter("version", in: "query", "Of the text; the present one", type: "integer")
        add(document + "/text", "get", "The text as it was read", "get_text", [base, name, version])
        add(
            document + "/chunks", "get", "The pieces that are found", "get_chunks", [base, name, limit, next],
            answer: Self.list("chunks"))
        add(
            "/knowledge/{base}/search", "post", "Search", "search_knowledge", [base],
            body: Self.asked("query", more: [:]), answer: Self.list("passages"))
        add(
            "/knowledge/{base}/ask", "post",
            "Ask: events sources, reasoning, text, citations, end; one object with `stream: false`", "ask_knowledge",
            [base],
            body: Self.asked(
                "question",
                more: [
                    "history": "array", "session": "string", "model": "string", "temperature": "number",
                    "max_tokens": "integer", "fresh": "boolean", "stream": "boolean",
                ]), of: "text/event-stream")
    }

    private static func object(_ members: [String: String], required: [String] = []) -> JSONValue {
        [
            "type": "object", "properties": .object(members.mapValues { ["type": .string($0)] }),
            "required": .array(required.map { .string($0) }),
        ]
    }

    private static func asked(_ text: String, more: [String: String]) -> JSONValue {
        let members = [
            text: "string", "bases": "array", "limit": "integer", "minimum_score": "number", "filter": "object",
        ]
        return object(members.merging(more) { $1 }, required: [text])
    }

    private static func list(_ name: String) -> JSONValue {
        ["type": "object", "properties": .object([name: ["type": "array", "items": ["type": "object"]]])]
    }

    private static let base = object([
        "name": "string", "description": "string", "embedding": "object", "documents": "integer", "chunks": "integer",
        "created": "number", "epoch": "integer",
    ])

    private static let taken = object(["added": "array", "failed": "array"])
}
