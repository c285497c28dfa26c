import MartletWire

// Tasks, as OpenAPI says it.
extension OpenAPIDocument {
    /// Its paths, which are the same for all tasks.
    mutating func addTasks() {
        let id = Self.parameter("id", in: "path", "A task's id")
        let queue = Self.parameter("name", in: "path", "A queue")
        let limit = Self.parameter("limit", in: "query", "How many at most", type: "integer")
        let next = Self.parameter("next", in: "query", "`next` of the page before")
        add("/tasks", "post", "Hand a task in", "submit_task", body: Self.submission, answer: Self.submitted)
        add(
            "/tasks", "get", "Tasks that are remembered, the latest first", "list_tasks",
            .array(
                ["state", "name", "queue", "worker", "search", "since", "until"].map(Self.only) + [limit, next]),
            answer: Self.page)
        let terminate = Self.parameter("terminate", in: "query", "Also where it runs already", type: "boolean")
        add(
            "/tasks", "delete", "Call many tasks off", "cancel_tasks",
            .array(["state", "name", "queue"].map(Self.only) + [limit, terminate]), answer: Self.cancelled)
        let wait = Self.parameter("wait", in: "query", "Wait until the result is there, such as 30s")
        add("/tasks/{id}", "get", "What became of a task", "get_task", [id, wait], answer: Self.task)
        add("/tasks/{id}", "delete", "Call a task off", "cancel_task", [id, terminate])
        add("/queues", "get", "How queues stand", "list_queues")
        add("/queues/{name}", "get", "How a queue stands", "get_queue", [queue])
        add("/queues/{name}/dead", "get", "Dead letters, the oldest first", "dead_letters", [queue, limit, next])
        let order: JSONValue = [
            "type": "object",
            "properties": [
                "ids": ["type": "array", "items": ["type": "string"]], "limit": ["type": "integer"],
            ],
        ]
        add(
            "/queues/{name}/dead/replay", "post", "Put dead letters back on their queue", "replay_dead_letters",
            [queue], body: order)
        add("/cron", "get", "Tasks that are handed in again and again", "list_cron", answer: Self.cron)
        let entry = Self.parameter("name", in: "path", "An entry of cron")
        add("/cron/{name}/run", "post", "Hand the task of an entry in now", "run_cron", [entry], answer: Self.submitted)
        add(
            "/autoscale", "get", "What an autoscaler reads of a queue", "autoscale",
            [Self.parameter("queue", in: "query", "The queue")], answer: Self.autoscale)
    }

    private static func only(_ name: String) -> JSONValue { parameter(name, in: "query", "Only these") }

    static func parameter(
        _ name: String, in place: String, _ description: String, type: String = "string"
    ) -> JSONValue {
        [
            "name": .string(name), "in": .string(place), "required": .bool(place == "path"),
            "description": .string(description), "schema": ["type": .string(type)],
        ]
    }

    private static func object(_ members: [(String, String)]) -> JSONValue {
        [
            "type": "object",
            "properties": .object(Dictionary(members.map { ($0.0, ["type": .string($0.1)]) }) { $1 }),
        ]
    }

    private static let submission: JSONValue = {
        var schema = object([
            ("task", "string"), ("args", "array"), ("kwargs", "object"), ("route", "string"), ("method", "string"),
            ("headers", "object"), ("queue", "string"), ("countdown", "number"), ("eta", "string"), ("key", "string"),
            ("key_concurrency", "integer"), ("unique", "string"), ("max_retries", "integer"),
            ("idempotency_key", "string"), ("webhook", "string"), ("id", "string"),
        ])
        schema["properties"]?["body"] = [:]
        schema["properties"]?["expires"] = ["type": ["number", "string"]]
        schema["properties"]?["priority"] = ["type": "integer", "minimum": 0, "maximum": 9]
        schema["oneOf"] = [["required": ["task"]], ["required": ["route"]]]
        return schema
    }()

    private static let submitted = object([
        ("id", "string"), ("queue", "string"), ("location", "string"), ("duplicate", "boolean"),
    ])

    private static let page: JSONValue = [
        "type": "object",
        "properties": [
            "tasks": ["type": "array", "items": ["type": "object"]], "next": ["type": ["string", "null"]],
        ],
    ]

    private static let cancelled: JSONValue = [
        "type": "object",
        "properties": [
            "cancelled": ["type": "integer"], "ids": ["type": "array", "items": ["type": "string"]],
            "more": ["type": "boolean"],
        ],
    ]

    private static let task: JSONValue = {
        var schema = object([("id", "string"), ("state", "string"), ("ready", "boolean"), ("timeline", "array")])
        for member in ["result", "error", "progress", "place"] { schema["properties"]?[member] = [:] }
        return schema
    }()

    private static let cron: JSONValue = {
        let orNull: JSONValue = ["type": ["string", "null"]]
        let texts = ["name", "schedule", "timezone", "task", "queue", "catch_up"]
        var entry = object(texts.map { ($0, "string") })
        for time in ["last_run", "next_run"] { entry["properties"]?[time] = orNull }
        return [
            "type": "object",
            "properties": [
                "leader": orNull, "leads": ["type": "boolean"], "entries": ["type": "array", "items": entry],
            ],
        ]
    }()

    private static let autoscale = object([
        ("queue", "string"), ("waiting", "integer"), ("reserved", "integer"), ("running", "integer"),
        ("oldest_age_s", "number"), ("desired", "integer"),
    ])
}
