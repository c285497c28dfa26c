/// A function as a step.
public struct Lambda<Input: Codable & Sendable, Output: Codable & Sendable>: Runnable {
    public let name: String
    private let whole: @Sendable (Input, Run) async throws -> Output
    private let pieces: (@Sendable (@escaping Source<Input>, Run, @escaping Sink<Output>) async throws -> Void)?

    public init(_ name: String = "RunnableLambda", _ body: @escaping @Sendable (Input) async throws -> Output) {
        self.init(name) { input, _ in try await body(input) }
    }

    /// One that looks at its run, such as at what is configured.
    public init(_ name: String = "RunnableLambda", _ body: @escaping @Sendable (Input, Run) async throws -> Output) {
        self.name = name
        whole = body
        pieces = nil
    }

    /// One that gives its output piece by piece. Asked for it whole, it is asked for the pieces, which are joined.
    public init(
        _ name: String = "RunnableGenerator",
        streaming body: @escaping @Sendable (Input, Sink<Output>) async throws -> Void
    ) {
        self.name = name
        whole = { input, _ in
            let output = Held<Output>()
            try await body(input) { output.join($0) }
            guard let output = output.value else { throw NoOutput(step: name) }
            return output
        }
        pieces = { source, _, sink in
            guard let input = try await gathered(source) else { return }
            try await body(input, sink)
        }
    }

    public func answer(_ input: Input, _ run: Run) async throws -> Output { try await whole(input, run) }

    public func answer(_ source: @escaping Source<Input>, _ run: Run, into sink: @escaping Sink<Output>) async throws {
        if let pieces { return try await pieces(source, run, sink) }
        guard let input = try await gathered(source) else { return }
        try await sink(try await whole(input, run))
    }
}

/// A step was asked for its whole output and gave no piece of it.
struct NoOutput: Error, CustomStringConvertible {
    let step: String
    var description: String { "\(step) gave nothing" }
}
