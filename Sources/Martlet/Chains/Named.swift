public import MartletWire

/// A step under another name, or with more said of its runs. Made with ``Runnable/named(_:)`` and
/// ``Runnable/withConfig(tags:metadata:configurable:)``.
public struct Configured<Step: Runnable>: Runnable {
    fileprivate var step: Step
    public fileprivate(set) var name: String
    fileprivate var config = RunConfig()

    public var kind: RunKind { step.kind }
    public var inputSchema: JSON { step.inputSchema }
    public var outputSchema: JSON { step.outputSchema }
    public var configurable: Fields { step.configurable }

    public func answer(_ input: Step.Input, _ run: Run) async throws -> Step.Output {
        try await step.answer(input, run.with(config))
    }

    public func answer(
        _ source: @escaping Source<Step.Input>, _ run: Run, into sink: @escaping Sink<Step.Output>
    ) async throws {
        try await step.answer(source, run.with(config), into: sink)
    }
}

extension Runnable {
    /// The same step, whose runs are called `name`.
    public func named(_ name: String) -> Configured<Self> { Configured(step: self, name: name) }

    /// The same step, whose runs have these besides what is asked of them.
    public func withConfig(tags: [String] = [], metadata: Fields = [:], configurable: Fields = [:])
        -> Configured<Self>
    {
        let config = RunConfig(tags: tags, metadata: metadata, configurable: configurable)
        return Configured(step: self, name: name, config: config)
    }
}
