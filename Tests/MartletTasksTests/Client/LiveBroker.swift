import Foundation
import Logging
import MartletNet
import MartletWire
import NIOCore
import NIOPosix

@testable import MartletTasks

/// A running broker with a folder of its own, and clients for it.
struct LiveBroker {
    let server: BrokerServer
    private let folder: String

    static let quiet: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    /// Runs a broker while `body` does.
    static func run(
        _ change: (inout BrokerSettings) -> Void = { _ in }, _ body: (LiveBroker) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-broker-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        var settings = BrokerSettings(
            address: try SocketAddress(ipAddress: "127.0.0.1", port: 0), folder: folder.path)
        change(&settings)
        let server = try await BrokerServer.start(settings, logger: quiet)
        do {
            try await body(LiveBroker(server: server, folder: folder.path))
            try await server.stop()
        } catch {
            try? await server.stop()
            throw error
        }
    }

    var url: RedisURL { RedisURL(host: "127.0.0.1", port: server.address.port ?? 0) }

    func client(prefix: String = "", _ change: (inout TaskBrokerTimes) -> Void = { _ in }) -> TaskBroker {
        TaskBroker.test(url, prefix: prefix, change)
    }
}

extension TaskBroker {
    static func test(
        _ url: RedisURL, prefix: String = "", _ change: (inout TaskBrokerTimes) -> Void = { _ in }
    ) -> TaskBroker {
        var times = TaskBrokerTimes()
        change(&times)
        return TaskBroker(
            url, on: MultiThreadedEventLoopGroup.singleton, logger: LiveBroker.quiet, prefix: prefix, times: times)
    }

    /// The reply to one command, words apart by blanks.
    func say(_ words: String) async throws -> RESPValue {
        try await run([words.split(separator: " ").map { ByteBuffer(string: String($0)) }]).first ?? .null
    }
}

/// A task's message as Celery sends it, with its tag for a task's id.
func message(_ tag: String, queue: String = "q", eta: String = "null", exchange: String = "") -> ByteBuffer {
    ByteBuffer(
        string: #"{"body": "W1tdLCB7fSwge31d", "content-encoding": "utf-8", "content-type": "application/json", "#
            + #""headers": {"lang": "py", "task": "tasks.add", "id": "\#(tag)", "eta": \#(eta), "stamps": {}}, "#
            + #""properties": {"correlation_id": "\#(tag)", "delivery_mode": 2, "#
            + #""delivery_info": {"exchange": "\#(exchange)", "routing_key": "\#(queue)"}, "priority": 0, "#
            + #""body_encoding": "base64", "delivery_tag": "\#(tag)"}}"#)
}

func isRedelivered(_ message: ByteBuffer) -> Bool {
    guard case .envelope(let envelope) = CeleryEnvelope.read(Array(message.readableBytesView)) else { return false }
    return envelope.isRedelivered
}
