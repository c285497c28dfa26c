public import MartletWire

/// Steps one after the other: each takes what the one before it gives, piece by piece where it can. Made with `|`.
public struct Pipe<Input: Codable & Sendable, Output: Codable & Sendable>: Runnable {
    public var name: String { "RunnableSequence" }
    public let inputSchema: JSON
    public let outputSchema: JSON
    public let configurable: Fields
    private let count: Int
    /// The last argument: how many steps the chain has before these.
    private let whole: @Sendable (Input, Run, Int) async throws -> Output
    private let pieces: @Sendable (@escaping Source<Input>, Run, Int, @escaping Sink<Output>) async throws -> Void

    /// A chain of one step.
    public init(_ step: some Runnable<Input, Output>) {
        inputSchema = step.inputSchema
        outputSchema = step.outputSchema
        configurable = step.configurable
        count = 1
        whole = { input, run, before in try await step.traced(input, run.part(step, tags: Run.step(before + 1))) }
        pieces = { source, run, before, sink in
            try await step.traced(source, run.part(step, tags: Run.step(before + 1)), into: sink)
        }
    }

    fileprivate init<Middle>(_ first: Pipe<Input, Middle>, _ second: Pipe<Middle, Output>) {
        inputSchema = first.inputSchema
        outputSchema = second.outputSchema
        configurable = first.configurable.merging(second.configurable) { $1 }
        count = first.count + second.count
        whole = { input, run, before in
            try await second.whole(try await first.whole(input, run, before), run, before + first.count)
        }
        pieces = { source, run, before, sink in
            let middle: Source<Middle> = { try await first.pieces(source, run, before, $0) }
            try await second.pieces(middle, run, before + first.count, sink)
        }
    }

    public func answer(_ input: Input, _ run: Run) async throws -> Output { try await whole(input, run, 0) }

    public func answer(_ source: @escaping Source<Input>, _ run: Run, into sink: @escaping Sink<Output>) async throws {
        try await pieces(source, run, 0, sink)
    }
}

/// `first`, then `second` with what it gives.
public func | <First: Runnable, Second: Runnable>(first: First, second: Second) -> Pipe<First.Input, Second.Output>
where First.Output == Second.Input {
    Pipe(Pipe(first), Pipe(second))
}

public func | <Input, Second: Runnable>(
    first: Pipe<Input, Second.Input>, second: Second
) -> Pipe<Input, Second.Output> {
    Pipe(first, Pipe(second))
}

public func | <First: Runnable, Output>(
    first: First, second: Pipe<First.Output, Output>
) -> Pipe<First.Input, Output> {
    Pipe(Pipe(first), second)
}

public func | <Input, Middle, Output>(
    first: Pipe<Input, Middle>, second: Pipe<Middle, Output>
) -> Pipe<Input, Output> {
    Pipe(first, second)
}
