/// A model written in Swift, served inside this process by an ``API``.
///
/// Its life: ``setup()`` once, before the server listens; then ``predict(_:)`` or ``batch(_:)`` for the requests that
/// come, on threads of its own. The task that computes a request is cancelled when its client leaves or its time is
/// over; a long computation asks `Task.isCancelled` now and then.
public protocol Model: Sendable {
    /// What a request's body holds, as JSON.
    associatedtype Input: Codable & Sendable
    /// What the answer's body holds, as JSON.
    associatedtype Output: Codable & Sendable

    /// Loads what the model needs.
    mutating func setup() async throws

    /// The output for one input.
    func predict(_ input: Input) async throws -> Output

    /// The outputs for some inputs, in their order. When it throws, its halves are tried again until the input at fault
    /// is known; only that one fails. Without one of its own a model predicts one after the other.
    func batch(_ inputs: [Input]) async throws -> [Output]
}

extension Model {
    public mutating func setup() async throws {}

    public func batch(_ inputs: [Input]) async throws -> [Output] {
        var outputs: [Output] = []
        for input in inputs { outputs.append(try await predict(input)) }
        return outputs
    }
}

/// A model that gives its output piece by piece.
public protocol StreamingModel: Model {
    associatedtype Input
    associatedtype Output

    /// Hands the pieces to `sink`, which returns when there is room for the next one, and throws `CancellationError`
    /// when the client left.
    func stream(_ input: Input, into sink: @escaping Sink<Output>) async throws
}

extension StreamingModel {
    /// All the pieces, joined.
    public func predict(_ input: Input) async throws -> Output {
        let output = Held<Output>()
        try await stream(input) { output.join($0) }
        guard let output = output.value else { throw NoOutput(step: "\(Self.self)") }
        return output
    }
}
