import Synchronization

/// The pieces of one value so far, as a whole.
final class Held<Piece: Sendable>: Sendable {
    private let state = Mutex<Piece?>(nil)

    var value: Piece? { state.withLock { $0 } }

    /// Answers whether this was the first piece.
    @discardableResult
    func join(_ piece: Piece) -> Bool {
        state.withLock { value in
            let isFirst = value == nil
            value = whole(value, piece)
            return isFirst
        }
    }
}

// Runs that who listens is told of.
extension Runnable {
    /// Computes one output as `run`.
    func traced(_ input: Input, _ run: Run) async throws -> Output {
        try await Run.$current.withValue(run) {
            guard let listener = run.listener else { return try await answer(input, run) }
            let told = try JSON(of: input)
            try await listener(RunEvent(run: run, moment: .started(input: told)))
            let output = try await failing(run) { try await answer(input, run) }
            try await listener(RunEvent(run: run, moment: .ended(input: told, output: try JSON(of: output))))
            return output
        }
    }

    /// Computes an output piece by piece as `run`.
    func traced(
        _ source: @escaping Source<Input>, _ run: Run, into sink: @escaping Sink<Output>
    ) async throws {
        try await Run.$current.withValue(run) {
            guard let listener = run.listener else { return try await answer(source, run, into: sink) }
            switch kind {
            case .chain, .parser: try await tracedPieces(source, run, listener, sink)
            case .prompt, .embeddings:
                guard let input = try await gathered(source) else { return }
                try await sink(try await traced(input, run))
            case .chatModel: try await tracedOutput(source, run, listener, sink)
            }
        }
    }

    /// Pieces in, pieces out. The run starts with its first piece, so that steps start in the order of the chain.
    private func tracedPieces(
        _ source: @escaping Source<Input>, _ run: Run, _ listener: @escaping RunListener, _ sink: @escaping Sink<Output>
    ) async throws {
        let input = Held<Input>()
        let watched: Source<Input> = { next in
            try await source { piece in
                if input.join(piece) { try await listener(RunEvent(run: run, moment: .started(input: nil))) }
                try await next(piece)
            }
        }
        try await telling(watched, run, listener, sink) { try input.value.map { try JSON(of: $0) } }
    }

    /// The whole input, pieces out.
    private func tracedOutput(
        _ source: @escaping Source<Input>, _ run: Run, _ listener: @escaping RunListener, _ sink: @escaping Sink<Output>
    ) async throws {
        guard let input = try await gathered(source) else { return }
        let told = try JSON(of: input)
        try await listener(RunEvent(run: run, moment: .started(input: told)))
        try await telling({ try await $0(input) }, run, listener, sink) { told }
    }

    /// Tells of each piece and of the end. `input` is asked for when all of it was read.
    private func telling(
        _ source: @escaping Source<Input>, _ run: Run, _ listener: @escaping RunListener,
        _ sink: @escaping Sink<Output>, input: () throws -> JSON?
    ) async throws {
        let output = Held<Output>()
        try await failing(run) {
            try await answer(source, run) { piece in
                output.join(piece)
                try await listener(RunEvent(run: run, moment: .piece(try JSON(of: piece))))
                try await sink(piece)
            }
        }
        try await listener(
            RunEvent(
                run: run, moment: .ended(input: try input(), output: try output.value.map { try JSON(of: $0) })))
    }

    private func failing<Value>(_ run: Run, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            try await run.listener?(RunEvent(run: run, moment: .failed("\(error)")))
            throw error
        }
    }
}
