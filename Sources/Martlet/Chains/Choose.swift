public import MartletWire

/// The first step whose condition holds for the input, else the last one.
public struct Choose<Input: Codable & Sendable, Output: Codable & Sendable>: Runnable {
    public struct Case: Sendable {
        fileprivate let holds: @Sendable (Input) -> Bool
        fileprivate let step: any Runnable<Input, Output>

        /// `step`, where `condition` holds.
        public static func when(
            _ condition: @escaping @Sendable (Input) -> Bool, _ step: some Runnable<Input, Output>
        ) -> Case {
            Case(holds: condition, step: step)
        }
    }

    private let cases: [Case]
    private let otherwise: any Runnable<Input, Output>

    public init(_ cases: Case..., otherwise: some Runnable<Input, Output>) {
        self.cases = cases
        self.otherwise = otherwise
    }

    public var name: String { "RunnableBranch" }
    public var inputSchema: JSON { otherwise.inputSchema }
    public var outputSchema: JSON { otherwise.outputSchema }
    public var configurable: Fields {
        cases.map(\.step.configurable).reduce(otherwise.configurable) { $0.merging($1) { $1 } }
    }

    public func answer(_ input: Input, _ run: Run) async throws -> Output {
        try await step(for: input).asked(input, run)
    }

    public func answer(_ source: @escaping Source<Input>, _ run: Run, into sink: @escaping Sink<Output>) async throws {
        guard let input = try await gathered(source) else { return }
        try await step(for: input).asked(input, run, into: sink)
    }

    private func step(for input: Input) -> any Runnable<Input, Output> {
        cases.first { $0.holds(input) }?.step ?? otherwise
    }
}

extension Runnable {
    /// As part of `run`.
    func asked(_ input: Input, _ run: Run) async throws -> Output { try await traced(input, run.part(self)) }

    func asked(_ input: Input, _ run: Run, into sink: @escaping Sink<Output>) async throws {
        try await traced({ try await $0(input) }, run.part(self), into: sink)
    }
}
