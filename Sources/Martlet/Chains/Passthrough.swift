public import MartletWire

/// Gives what it takes, piece by piece.
public struct Passthrough<Value: Codable & Sendable>: Runnable {
    public var name: String { "RunnablePassthrough" }

    public init(of type: Value.Type = Value.self) {}

    public func answer(_ input: Value, _ run: Run) async throws -> Value { input }

    public func answer(_ source: @escaping Source<Value>, _ run: Run, into sink: @escaping Sink<Value>) async throws {
        try await source(sink)
    }
}

/// Gives what it takes and more: each branch's output under its name.
public struct Assign: Runnable {
    private let branches: Parallel<Fields>

    public init(_ branches: KeyValuePairs<String, Branch<Fields>>) {
        self.branches = Parallel(branches)
    }

    public var name: String { "RunnableAssign" }
    public var inputSchema: JSON { branches.inputSchema }
    public var configurable: Fields { branches.configurable }

    public func answer(_ input: Fields, _ run: Run) async throws -> Fields {
        input.merging(try await branches.asked(input, run)) { $1 }
    }

    public func answer(_ source: @escaping Source<Fields>, _ run: Run, into sink: @escaping Sink<Fields>) async throws {
        guard let input = try await gathered(source) else { return }
        let kept = input.filter { !branches.names.contains($0.key) }
        if !kept.isEmpty { try await sink(kept) }
        try await branches.asked(input, run, into: sink)
    }
}
