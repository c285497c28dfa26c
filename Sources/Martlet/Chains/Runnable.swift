public import MartletWire

/// Takes the pieces of an output one by one; returns when there is room for the next one, and throws where nobody wants
/// more.
public typealias Sink<Piece> = @Sendable (Piece) async throws -> Void
/// Hands the pieces of an input, one by one, to a sink.
public typealias Source<Piece> = @Sendable (@escaping Sink<Piece>) async throws -> Void

/// A step that makes an output of an input: a prompt, a model, a parser, a function, or a chain of them.
///
/// Whoever asks it calls ``invoke(_:_:)``, ``batch(_:_:)`` or ``stream(_:_:)``, and composes it with `|`. A type of
/// your own has ``answer(_:_:)``; one that gives its output piece by piece has ``answer(_:_:into:)`` as well.
///
/// Everything is structured concurrency: a run ends when its task is cancelled, and what it asked of models with it.
public protocol Runnable<Input, Output>: Sendable {
    associatedtype Input: Codable & Sendable
    associatedtype Output: Codable & Sendable

    /// What its runs are called.
    var name: String { get }
    var kind: RunKind { get }
    /// JSON Schemas of what it takes and gives.
    var inputSchema: JSON { get }
    var outputSchema: JSON { get }
    /// What ``RunConfig/configurable`` may name, and the JSON Schema of each.
    var configurable: Fields { get }

    /// What the step computes.
    func answer(_ input: Input, _ run: Run) async throws -> Output

    /// The same in pieces: takes those of the input as they come, and gives those of the output as soon as it has them.
    /// Without one of its own a step gathers the whole input, and gives its output in one piece.
    func answer(_ source: @escaping Source<Input>, _ run: Run, into sink: @escaping Sink<Output>) async throws
}

extension Runnable {
    public var name: String {
        let name = "\(Self.self)"
        return String(name.prefix { $0 != "<" })
    }
    public var kind: RunKind { .chain }
    public var inputSchema: JSON { Schema.of(Input.self, named: "\(name)_input") }
    public var outputSchema: JSON { Schema.of(Output.self, named: "\(name)_output") }
    public var configurable: Fields { [:] }

    public func answer(_ source: @escaping Source<Input>, _ run: Run, into sink: @escaping Sink<Output>) async throws {
        guard let input = try await gathered(source) else { return }
        try await sink(try await answer(input, run))
    }
}

// MARK: - Asking

extension Runnable {
    /// The output for one input.
    public func invoke(_ input: Input, _ config: RunConfig = RunConfig()) async throws -> Output {
        try await traced(input, asked(config))
    }

    /// The outputs for some inputs, in their order. The first error ends the others.
    public func batch(_ inputs: [Input], _ config: RunConfig = RunConfig()) async throws -> [Output] {
        try await batch(inputs, inputs.indices.map { $0 == 0 ? config : config.withoutID })
    }

    /// The same, with a configuration for each input. `maxConcurrency` is that of the first.
    ///
    /// - Precondition: as many configurations as inputs; an input without one has an empty one.
    public func batch(_ inputs: [Input], _ configs: [RunConfig]) async throws -> [Output] {
        let runs = inputs.indices.map { asked($0 < configs.count ? configs[$0] : RunConfig()) }
        return try await inParallel(inputs.count, atMost: configs.first?.maxConcurrency) { index in
            try await traced(inputs[index], runs[index])
        }
    }

    /// Hands the output to `sink`, piece by piece, no faster than it takes them.
    public func stream(
        _ input: Input, _ config: RunConfig = RunConfig(), into sink: @escaping Sink<Output>
    ) async throws {
        try await traced({ try await $0(input) }, asked(config), into: sink)
    }

    /// The output piece by piece. Whoever stops reading ends the run.
    ///
    /// Pieces that are not read yet are kept; ``stream(_:_:into:)`` keeps none.
    public func stream(
        _ input: Input, _ config: RunConfig = RunConfig()
    ) -> AsyncThrowingStream<Output, any Error> {
        let (stream, pieces) = AsyncThrowingStream<Output, any Error>.makeStream()
        let run = asked(config)
        let task = Task {
            do {
                try await traced({ try await $0(input) }, run) { pieces.yield($0) }
                pieces.finish()
            } catch {
                pieces.finish(throwing: error)
            }
        }
        pieces.onTermination = { _ in task.cancel() }
        return stream
    }

    private func asked(_ config: RunConfig) -> Run {
        Run.current.map { $0.part(self, config) } ?? Run(of: self, config)
    }
}

extension RunConfig {
    /// An id is one run's.
    var withoutID: RunConfig {
        var config = self
        config.runID = nil
        return config
    }
}

/// The whole of what comes; nil: nothing came.
func gathered<Piece: Sendable>(_ source: Source<Piece>) async throws -> Piece? {
    let held = Held<Piece>()
    try await source { held.join($0) }
    return held.value
}

/// Computes `count` values, in order, at most so many at one time.
func inParallel<Value: Sendable>(
    _ count: Int, atMost: Int?, _ body: @escaping @Sendable (Int) async throws -> Value
) async throws -> [Value] {
    if count == 1 { return [try await body(0)] }
    return try await withThrowingTaskGroup(of: (Int, Value).self) { group in
        var values = [Value?](repeating: nil, count: count)
        var next = 0
        func addOne() {
            let index = next
            next += 1
            group.addTask { (index, try await body(index)) }
        }
        while next < min(count, max(1, atMost ?? count)) { addOne() }
        while let (index, value) = try await group.next() {
            values[index] = value
            if next < count { addOne() }
        }
        return values.compactMap { $0 }
    }
}
