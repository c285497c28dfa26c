public import MartletWire

/// A step that is tried again when it fails. Made with ``Runnable/withRetry(attempts:pause:when:)``.
public struct Retried<Step: Runnable>: Runnable {
    fileprivate let step: Step
    fileprivate let attempts: Int
    fileprivate let pause: Duration
    fileprivate let isWorthwhile: @Sendable (any Error) -> Bool

    public var name: String { "RunnableRetry" }
    public var inputSchema: JSON { step.inputSchema }
    public var outputSchema: JSON { step.outputSchema }
    public var configurable: Fields { step.configurable }

    public func answer(_ input: Step.Input, _ run: Run) async throws -> Step.Output {
        try await trying { try await step.asked(input, run) }
    }

    public func answer(
        _ source: @escaping Source<Step.Input>, _ run: Run, into sink: @escaping Sink<Step.Output>
    ) async throws {
        guard let input = try await gathered(source) else { return }
        try await Begun.unwrapping {
            try await trying { try await step.attempt(input, run, into: sink) }
        }
    }

    private func trying<Value>(_ body: () async throws -> Value) async throws -> Value {
        var pause = pause
        for _ in 1..<max(attempts, 1) {
            do {
                return try await body()
            } catch let error where mayBeTriedAgain(error) && isWorthwhile(error) {
                // Those that failed together do not come back together.
                try await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause *= 2
            }
        }
        return try await body()
    }
}

/// A step with others that stand in for it when it fails. Made with ``Runnable/withFallbacks(_:)``.
public struct WithFallbacks<Step: Runnable>: Runnable {
    fileprivate let step: Step
    fileprivate let fallbacks: [any Runnable<Step.Input, Step.Output>]

    public var name: String { "RunnableWithFallbacks" }
    public var inputSchema: JSON { step.inputSchema }
    public var outputSchema: JSON { step.outputSchema }
    public var configurable: Fields { step.configurable }

    public func answer(_ input: Step.Input, _ run: Run) async throws -> Step.Output {
        try await trying({ try await step.asked(input, run) }, { try await $0.asked(input, run) })
    }

    public func answer(
        _ source: @escaping Source<Step.Input>, _ run: Run, into sink: @escaping Sink<Step.Output>
    ) async throws {
        guard let input = try await gathered(source) else { return }
        try await Begun.unwrapping {
            try await trying(
                { try await step.attempt(input, run, into: sink) },
                { try await $0.attempt(input, run, into: sink) })
        }
    }

    /// Where all fail, the first error tells why.
    private func trying<Value>(
        _ first: () async throws -> Value, _ other: (any Runnable<Step.Input, Step.Output>) async throws -> Value
    ) async throws -> Value {
        do {
            return try await first()
        } catch let cause where mayBeTriedAgain(cause) {
            for one in fallbacks {
                do {
                    return try await other(one)
                } catch let error where mayBeTriedAgain(error) {
                    continue
                }
            }
            throw cause
        }
    }
}

extension Runnable {
    /// The step, tried so often in all when it fails; a stream only until its first piece.
    ///
    /// - Parameters:
    ///   - pause: Before the second try; twice as long before each further one, less a random part of up to a half.
    ///   - condition: Which errors are worth another try. A run that is called off is never tried again.
    public func withRetry(
        attempts: Int = 3, pause: Duration = .milliseconds(200),
        when condition: @escaping @Sendable (any Error) -> Bool = { _ in true }
    ) -> Retried<Self> {
        Retried(step: self, attempts: attempts, pause: pause, isWorthwhile: condition)
    }

    /// The step, and those that stand in for it, one after the other, when it fails; a stream only until its first
    /// piece.
    public func withFallbacks(_ others: any Runnable<Input, Output>...) -> WithFallbacks<Self> {
        WithFallbacks(step: self, fallbacks: others)
    }

    /// A stream that can still be begun anew when it fails, unless what it throws is ``Begun``.
    fileprivate func attempt(_ input: Input, _ run: Run, into sink: @escaping Sink<Output>) async throws {
        let given = Flag()
        do {
            try await asked(input, run) { piece in
                given.set()
                try await sink(piece)
            }
        } catch {
            throw given.isSet ? Begun(cause: error) : error
        }
    }
}

/// Why a stream broke off of which the reader has some.
private struct Begun: Error {
    let cause: any Error

    static func unwrapping(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let begun as Begun {
            throw begun.cause
        }
    }
}

private func mayBeTriedAgain(_ error: any Error) -> Bool { !(error is CancellationError) && !(error is Begun) }
