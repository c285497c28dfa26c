import FoundationEssentials
import MartletBase
package import MartletWire

/// What a worker says of itself in `READY`.
package struct WorkerReady: Sendable {
    package var language: String
    package var version: String
    package var apis: [WorkerAPI]
    /// It takes bodies that lie in shared memory.
    package var readsSharedMemory: Bool
    /// What the app states for the whole server.
    package var settings: WorkerSettings

    /// - Throws: when it is no such text, or of another version of the protocol.
    init(payload: Data) throws {
        let text = try JSONDecoder().decode(Text.self, from: payload)
        guard text.protocol == 1 else {
            throw MartletError(.upstreamMalformed, cause: "the worker speaks version \(text.protocol) of the protocol")
        }
        language = text.language ?? ""
        version = text.version ?? ""
        apis = (text.apis ?? []).map(WorkerAPI.init)
        readsSharedMemory = text.shm ?? false
        settings = text.settings ?? WorkerSettings()
    }

    private struct Text: Decodable {
        var `protocol`: Int
        var language: String?
        var version: String?
        var apis: [APIText]?
        var shm: Bool?
        var settings: WorkerSettings?
    }

    fileprivate struct APIText: Decodable {
        var path: String
        var methods: [String]?
        var operation: String?
        var stream: Bool?
        var max_batch: Int?
        var batch_timeout_ms: Double?
        var batch_weight: Int?
        var weight_by: String?
        var concurrent: Int?
        var timeout_ms: Double?
        var workers_per_device: Int?
        var devices: [String]?
        var max_body: Int?
        var then: String?
        var authorizes: Bool?
        var authorizes_by_key: Bool?
        var schemas: Schemas?
        var chain: Chain?
        var mcp: WorkerAPI.Tool?

        struct Schemas: Decodable {
            var request: JSONValue?
            var response: JSONValue?
        }

        struct Chain: Decodable {
            var input: JSONValue?
            var output: JSONValue?
            var config: JSONValue?
            var endpoints: [String]?
            var config_hashes: Bool?
        }
    }
}

/// What an app states for the whole server, as LitServe's `LitServer` does.
package struct WorkerSettings: Sendable, Equatable, Decodable {
    /// `/health` without it.
    package var health_path: String?
    /// `/info` without it.
    package var info_path: String?
    /// What is answered there, an object.
    package var info: JSONValue?
    /// Where the server can be told to end; nil: nowhere.
    package var shutdown_path: String?
    /// What `/` answers; nil: nothing is there.
    package var index: String?
    /// Whether `/openapi.json` is there; it is where nothing is said.
    package var openapi: Bool?
    /// Of an app that runs tasks.
    package var tasks: TaskAppSettings?

    package init() {}
}

extension WorkerAPI {
    fileprivate init(_ text: WorkerReady.APIText) {
        self.init(path: text.path)
        methods = text.methods ?? methods
        operation = text.operation ?? operation
        isStream = text.stream ?? isStream
        maxBatch = Self.bounded(text.max_batch ?? 1, Self.mostInBatch)
        batchWindow = Self.duration(text.batch_timeout_ms, within: .seconds(60)) ?? .zero
        batchWeight = text.batch_weight.map { Self.bounded($0, BodyWeight.most) }
        weightBy = text.weight_by
        concurrent = Self.bounded(text.concurrent ?? 1, Self.mostConcurrent)
        queueTimeout = Self.duration(text.timeout_ms, within: .seconds(86_400))
        workersPerDevice = Self.bounded(text.workers_per_device ?? 1, Self.mostPerDevice)
        devices = text.devices.flatMap { $0.isEmpty ? nil : Array($0.prefix(Self.mostPerDevice)) } ?? devices
        maxBody = text.max_body
        then = text.then
        authorizes = text.authorizes ?? authorizes
        authorizesByKey = text.authorizes_by_key ?? authorizesByKey
        requestSchema = text.schemas?.request
        responseSchema = text.schemas?.response
        chain = text.chain.map { chain in
            ChainDescription(
                input: chain.input ?? [:], output: chain.output ?? [:], config: chain.config ?? [:],
                endpoints: chain.endpoints, takesHashes: chain.config_hashes ?? true)
        }
        tool = text.mcp
    }

    private static let mostConcurrent = 4096
    private static let mostPerDevice = 256

    /// What an app says is not ours: whatever it is, sums of it must stay numbers.
    private static func bounded(_ value: Int, _ most: Int) -> Int { min(max(1, value), most) }

    /// nil for what is no time at all.
    private static func duration(_ milliseconds: Double?, within limit: Duration) -> Duration? {
        guard let milliseconds, milliseconds > 0 else { return nil }
        return milliseconds < limit.inSeconds * 1000 ? .milliseconds(milliseconds) : limit
    }
}
