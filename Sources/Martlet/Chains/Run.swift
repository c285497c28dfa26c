public import Foundation

/// What whoever asks a runnable may say beside the input.
public struct RunConfig: Sendable {
    /// What the run is called where it is told of; nil: the runnable's own name.
    public var runName: String?
    /// nil: a new one.
    public var runID: UUID?
    public var tags: [String]
    public var metadata: Fields
    /// Values for what a runnable's ``Runnable/configurable`` names.
    public var configurable: Fields
    /// How many inputs of a batch, or branches, are computed at one time; nil: all.
    public var maxConcurrency: Int?

    public init(
        runName: String? = nil, runID: UUID? = nil, tags: [String] = [], metadata: Fields = [:],
        configurable: Fields = [:], maxConcurrency: Int? = nil
    ) {
        self.runName = runName
        self.runID = runID
        self.tags = tags
        self.metadata = metadata
        self.configurable = configurable
        self.maxConcurrency = maxConcurrency
    }
}

/// One computation of one runnable, as part of that which it was asked in.
public struct Run: Sendable {
    public let id: UUID
    public let name: String
    public let kind: RunKind
    /// Those that it is part of, the outermost first.
    public let parents: [UUID]
    public private(set) var tags: [String]
    public private(set) var metadata: Fields
    public private(set) var configurable: Fields
    public let maxConcurrency: Int?
    /// Where models are asked; nil outside of a server.
    let dispatch: Dispatch?
    /// Who is told how it goes.
    let listener: RunListener?

    /// The run that the current task computes. What is asked without a run of its own becomes part of it.
    @TaskLocal static var current: Run?

    /// A run that is part of no other.
    init(
        of runnable: some Runnable, _ config: RunConfig = RunConfig(), dispatch: Dispatch? = nil,
        listener: RunListener? = nil
    ) {
        id = config.runID ?? UUID()
        name = config.runName ?? runnable.name
        kind = runnable.kind
        parents = []
        tags = config.tags
        metadata = config.metadata
        configurable = config.configurable
        maxConcurrency = config.maxConcurrency
        self.dispatch = dispatch
        self.listener = listener
    }

    /// The run of a model that is no runnable.
    init(asking dispatch: Dispatch) { self.init(of: Passthrough<JSON>(), dispatch: dispatch) }

    /// The same run, with more said of it.
    func with(_ config: RunConfig) -> Run {
        var run = self
        run.tags += config.tags.filter { !tags.contains($0) }
        run.metadata.merge(config.metadata) { $1 }
        // What the asker says comes before what the step says of itself.
        run.configurable.merge(config.configurable) { own, _ in own }
        return run
    }

    /// A run of `runnable` as part of this one.
    ///
    /// - Parameter tags: For itself alone; those of `config` are for all of its parts as well.
    func part(_ runnable: some Runnable, tags own: [String] = [], _ config: RunConfig = RunConfig()) -> Run {
        Run(part: runnable, of: self, own, config)
    }

    private init(part runnable: some Runnable, of whole: Run, _ own: [String], _ config: RunConfig) {
        id = config.runID ?? UUID()
        name = config.runName ?? runnable.name
        kind = runnable.kind
        parents = whole.parents + [whole.id]
        // A step's place in its chain is no matter of what is inside the step.
        let inherited = whole.tags.filter { !$0.hasPrefix(Self.placePrefixes.0) && !$0.hasPrefix(Self.placePrefixes.1) }
        tags = (inherited + own + config.tags).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        metadata = whole.metadata.merging(config.metadata) { $1 }
        configurable = whole.configurable.merging(config.configurable) { $1 }
        maxConcurrency = config.maxConcurrency ?? whole.maxConcurrency
        dispatch = whole.dispatch
        listener = whole.listener
    }

    private static let placePrefixes = ("seq:step:", "map:key:")
    static func step(_ number: Int) -> [String] { ["\(placePrefixes.0)\(number)"] }
    static func branch(_ name: String) -> [String] { ["\(placePrefixes.1)\(name)"] }
}

/// What kind of runnable it is, for those who are told of its runs.
public enum RunKind: String, Sendable {
    case chain, prompt, parser
    case chatModel = "chat_model"
    case embeddings
}

/// What happens in a run.
struct RunEvent: Sendable {
    enum Moment: Sendable {
        /// `input` is nil where it comes piece by piece.
        case started(input: JSON?)
        case piece(JSON)
        case ended(input: JSON?, output: JSON?)
        case failed(String)
    }

    let run: Run
    let moment: Moment
}

/// Called for one event after the other within a step; steps side by side may call it at one time.
typealias RunListener = @Sendable (RunEvent) async throws -> Void
