import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletWorkers
import NIOCore
import NIOPosix

/// Something that this process serves itself: a ``Chain``, an ``API`` or a ``TaskHandler``.
public struct Served: Sendable {
    enum Part: Sendable {
        case endpoint(ServedEndpoint)
        case task(TaskHandler)
    }

    let part: Part
}

extension [Served] {
    /// What clients ask.
    var endpoints: [ServedEndpoint] {
        compactMap { if case .endpoint(let endpoint) = $0.part { endpoint } else { nil } }
    }

    /// What comes from queues.
    var tasks: [TaskHandler] {
        compactMap { if case .task(let task) = $0.part { task } else { nil } }
    }
}

/// What this process answers itself at a path of its own.
struct ServedEndpoint: Sendable {
    /// What it is made with.
    struct Surroundings: Sendable {
        let dispatch: Dispatch
        let logger: Logger
        let clock: any EventLoop
    }

    /// As it is described to clients.
    let api: APIDescription
    /// Where it answers; everything below it where it ends in `/`.
    var path: String { api.route }
    /// Where a person looks first.
    var place: String { path.hasSuffix("/") ? path + "playground/" : path }
    /// Requests that it takes at one time.
    let maxInFlight: Int
    /// How long an answer may take to begin.
    let timeout: Duration
    /// Loads what there is to load.
    let make: @Sendable (Surroundings) async throws -> any LocalHandler

    var targetPolicy: TargetPolicy {
        var policy = TargetPolicy()
        // It answers for itself: it is never taken out for what it answered.
        policy.maxFails = 0
        policy.maxInflight = maxInFlight
        return policy
    }

    var policy: PoolPolicy {
        var policy = PoolPolicy()
        policy.timeouts.firstByte = timeout
        policy.retry.attempts = 1
        policy.breaker = nil
        return policy
    }
}

/// A chain behind LangServe's paths: `/joke/invoke`, `/joke/batch`, `/joke/stream`, `/joke/stream_log`,
/// `/joke/stream_events`, `/joke/input_schema` and so on, and a page to try it on at `/joke/playground/`.
public struct Chain: Sendable {
    let served: ServedEndpoint

    /// - Parameters:
    ///   - path: `/joke` gives `/joke/invoke` and so on.
    ///   - configKeys: What of a client's configuration counts: `configurable`, `tags`, `metadata`, `run_id`,
    ///     `max_concurrency`.
    ///   - maxInFlight: Runs at one time; others wait in the queue.
    ///   - timeout: How long an answer may take to begin.
    public init(
        _ path: String, _ step: some Runnable, configKeys: Set<String> = ["configurable"], maxInFlight: Int = 1024,
        timeout: Duration = .seconds(600)
    ) {
        let path = "/" + path.split(separator: "/").joined(separator: "/")
        let base = path == "/" ? "" : path
        let config = ChainConfig(keys: configKeys, configurable: step.configurable)
        let api = APIDescription(swift: base, ChainDescription(step, config))
        served = ServedEndpoint(api: api, maxInFlight: maxInFlight, timeout: timeout) { surroundings in
            ChainEndpoint(
                step, path: base, configKeys: configKeys, dispatch: surroundings.dispatch, logger: surroundings.logger)
        }
    }
}

/// A ``Model`` behind a path: `POST` with its input as JSON.
public struct API: Sendable {
    let served: ServedEndpoint

    /// - Parameters:
    ///   - maxBatch: Inputs that one call of `batch` may have. A model that is idle takes what there is at once; while
    ///     it computes, the next batch gathers.
    ///   - batchWindow: How long the first of a batch waits for others while all of `concurrent` are computed.
    ///   - concurrent: Batches that are computed at one time, each on a thread; nil: as many as cores.
    ///   - timeout: How long an answer may take.
    ///   - isTool: Whether assistants may call it at `/mcp`, where its input is an object.
    public init(
        _ path: String, _ model: some Model, maxBatch: Int = 1, batchWindow: Duration = .zero, concurrent: Int? = nil,
        timeout: Duration = .seconds(600), isTool: Bool = true
    ) {
        let threads = max(1, concurrent ?? System.coreCount)
        var policy = BatchPolicy()
        policy.maxBatch = max(1, maxBatch)
        policy.window = batchWindow
        // There is no way to a worker that could be hidden.
        policy.maxAhead = 0
        // Those that are computed, and as many again that gather meanwhile.
        let room = 2 * threads * policy.maxBatch
        let api = APIDescription(swift: path, type(of: model), isStream: false, isTool: isTool)
        served = ServedEndpoint(api: api, maxInFlight: room, timeout: timeout) { [policy] surroundings in
            var model = model
            try await model.setup()
            let group = ModelGroup(
                model, policy: policy, concurrent: threads, threads: ModelThreads(threads),
                dispatch: surroundings.dispatch, clock: surroundings.clock)
            return APIEndpoint(group, path: path, logger: surroundings.logger)
        }
    }

    /// - Parameters:
    ///   - concurrent: Streams at one time, each on a thread; nil: as many as cores.
    ///   - timeout: How long an answer may take to begin.
    ///   - isTool: Whether assistants may call it at `/mcp`, where its input is an object.
    public init(
        streaming path: String, _ model: some StreamingModel, concurrent: Int? = nil, timeout: Duration = .seconds(600),
        isTool: Bool = true
    ) {
        let threads = max(1, concurrent ?? System.coreCount)
        let api = APIDescription(swift: path, type(of: model), isStream: true, isTool: isTool)
        served = ServedEndpoint(api: api, maxInFlight: threads, timeout: timeout) { surroundings in
            var model = model
            try await model.setup()
            return StreamEndpoint(
                model, path: path, threads: ModelThreads(threads), dispatch: surroundings.dispatch,
                logger: surroundings.logger)
        }
    }
}

/// Lists what ``serve(configuration:host:port:tasks:_:)`` serves, one after the other.
@resultBuilder
public enum ServedBuilder {
    public static func buildExpression(_ chain: Chain) -> [Served] { [Served(part: .endpoint(chain.served))] }
    public static func buildExpression(_ api: API) -> [Served] { [Served(part: .endpoint(api.served))] }
    public static func buildExpression(_ task: TaskHandler) -> [Served] { [Served(part: .task(task))] }
    public static func buildBlock(_ parts: [Served]...) -> [Served] { parts.flatMap { $0 } }
    public static func buildOptional(_ part: [Served]?) -> [Served] { part ?? [] }
    public static func buildEither(first: [Served]) -> [Served] { first }
    public static func buildEither(second: [Served]) -> [Served] { second }
    public static func buildArray(_ parts: [[Served]]) -> [Served] { parts.flatMap { $0 } }
}
