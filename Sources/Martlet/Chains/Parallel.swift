public import MartletWire

/// One of several steps that take the same input.
public struct Branch<Input: Codable & Sendable>: Sendable {
    let inputSchema: JSON
    let outputSchema: JSON
    let configurable: Fields
    let whole: @Sendable (Input, Run, _ name: String) async throws -> JSON
    let pieces: @Sendable (Input, Run, _ name: String, @escaping Sink<JSON>) async throws -> Void

    public init(_ step: some Runnable<Input, some Codable & Sendable>) {
        inputSchema = step.inputSchema
        outputSchema = step.outputSchema
        configurable = step.configurable
        whole = { input, run, name in
            try JSON(of: try await step.traced(input, run.part(step, tags: Run.branch(name))))
        }
        pieces = { input, run, name, sink in
            try await step.traced({ try await $0(input) }, run.part(step, tags: Run.branch(name))) {
                try await sink(try JSON(of: $0))
            }
        }
    }
}

/// Steps side by side, each with the same input: their outputs by name. Streamed, pieces come as any of them has one.
public struct Parallel<Input: Codable & Sendable>: Runnable {
    /// In the order in which they were stated.
    let names: [String]
    private let branches: [String: Branch<Input>]

    public init(_ branches: KeyValuePairs<String, Branch<Input>>) {
        names = branches.map(\.key)
        self.branches = Dictionary(branches.map { ($0.key, $0.value) }) { $1 }
    }

    public var name: String { "RunnableParallel<\(names.joined(separator: ","))>" }

    public var inputSchema: JSON {
        var schema = names.first.flatMap { branches[$0]?.inputSchema } ?? [:]
        schema["title"] = .string("\(name)Input")
        return schema
    }

    public var outputSchema: JSON {
        let properties = branches.mapValues(\.outputSchema).map { name, schema in
            var schema = schema
            schema["title"] = .string(Schema.title(name))
            return (name, schema)
        }
        return [
            "title": .string("\(name)Output"), "type": "object", "required": .array(names.map { .string($0) }),
            "properties": .object(Dictionary(properties) { $1 }),
        ]
    }

    public var configurable: Fields { branches.values.reduce(into: [:]) { $0.merge($1.configurable) { $1 } } }

    public func answer(_ input: Input, _ run: Run) async throws -> Fields {
        let (names, branches) = (names, branches)
        let outputs = try await inParallel(names.count, atMost: run.maxConcurrency) { index in
            try await branches[names[index]]?.whole(input, run, names[index]) ?? .null
        }
        return Dictionary(zip(names, outputs)) { $1 }
    }

    public func answer(_ source: @escaping Source<Input>, _ run: Run, into sink: @escaping Sink<Fields>) async throws {
        guard let input = try await gathered(source) else { return }
        let (names, branches) = (names, branches)
        let turn = Turn()
        _ = try await inParallel(names.count, atMost: run.maxConcurrency) { index in
            let name = names[index]
            try await branches[name]?.pieces(input, run, name) { piece in
                try await turn.take { try await sink([name: piece]) }
            }
        }
    }
}

/// Lets one in after the other, where several tasks give pieces to one reader.
actor Turn {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take(_ body: @Sendable () async throws -> Void) async throws {
        if isTaken { await withCheckedContinuation { waiting.append($0) } } else { isTaken = true }
        defer { if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() } }
        try Task.checkCancellation()
        try await body()
    }
}
