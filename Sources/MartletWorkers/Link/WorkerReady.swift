import FoundationEssentials
import MartletBase
package import MartletWire

/// What a worker says of itself in `READY`.
package struct WorkerReady: Sendable {
    package var language: String
    package var version: String
    package var apis: [WorkerAPI]
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
        settings = text.settings ?? WorkerSettings()
    }

    private struct Text: Decodable {
        var `protocol`: Int
        var language: String?
        var version: String?
        var apis: [APIText]?
        var settings: WorkerSettings?
    }

    fileprivate struct APIText: Decodable {
        var path: String
        var methods: [String]?
        var operation: String?
        var stream: Bool?
        var max_batch: Int?
        var batch_timeout_ms: Double?
        var concurrent: Int?
        var timeout_ms: Double?
        var workers_per_device: Int?
        var devices: [String]?
        var max_body: Int?
        var schemas: Schemas?
        var mcp: WorkerAPI.Tool?

        struct Schemas: Decodable {
            var request: JSONValue?
            var response: JSONValue?
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
}

extension WorkerAPI {
    fileprivate init(_ text: WorkerReady.APIText) {
        self.init(path: text.path)
        methods = text.methods ?? methods
        operation = text.operation ?? operation
        isStream = text.stream ?? isStream
        maxBatch = max(1, text.max_batch ?? 1)
        batchWindow = .milliseconds(max(0, text.batch_timeout_ms ?? 0))
        concurrent = max(1, text.concurrent ?? 1)
        queueTimeout = text.timeout_ms.flatMap { $0 > 0 ? .milliseconds($0) : nil }
        workersPerDevice = max(1, text.workers_per_device ?? 1)
        devices = text.devices.flatMap { $0.isEmpty ? nil : $0 } ?? devices
        maxBody = text.max_body
        requestSchema = text.schemas?.request
        responseSchema = text.schemas?.response
        tool = text.mcp
    }
}
