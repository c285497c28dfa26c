import Foundation
import Logging
import MartletNet
import MartletWire
import NIOCore
import NIOPosix
import Testing

@testable import MartletTasks

/// A desk before a broker of its own, for the length of a test.
struct DeskFixture: Sendable {
    let desk: TaskDesk
    let broker: TaskBroker
    let server: BrokerServer
    let logger: Logger

    /// - Parameters:
    ///   - history: The file of one; nil: none is kept.
    ///   - isRunning: whether the desk listens to workers and looks at queues.
    static func run(
        webhooks: any WebhookSender = NoWebhooks(), history: URL? = nil, isRunning: Bool = false,
        _ change: (inout TaskDeskSettings) -> Void = { _ in }, _ body: @escaping (DeskFixture) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-desk-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let server = try await BrokerServer.start(
            BrokerSettings(address: address, folder: folder.path), logger: logger)
        let url = RedisURL(host: "127.0.0.1", port: try #require(server.address.port))
        // A machine that runs many tests at once is slow to connect.
        var times = TaskBrokerTimes()
        (times.connect, times.outage) = (.seconds(60), .seconds(60))
        let broker = TaskBroker(url, on: MultiThreadedEventLoopGroup.singleton, logger: logger, times: times)
        var settings = TaskDeskSettings()
        change(&settings)
        let kept = history.map { [logger] in TaskHistory(file: $0.path, logger: logger) }
        let desk = TaskDesk(broker: broker, settings: settings, history: kept, webhooks: webhooks, logger: logger)
        await desk.openHistory()
        let fixture = DeskFixture(desk: desk, broker: broker, server: server, logger: logger)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                if isRunning { group.addTask { await desk.run() } }
                try await body(fixture)
                group.cancelAll()
            }
        } catch {
            await broker.close()
            try? await server.stop()
            throw error
        }
        await broker.close()
        try await server.stop()
    }

    /// What a worker stores at a task's end.
    func store(_ result: JSONValue, of id: String) async throws {
        let key = "celery-task-meta-\(id)"
        try await desk.transaction([command("SETEX", key, "1000", result.text), command("PUBLISH", key, result.text)])
    }

    /// What a worker says of a task, as kombu sends it.
    func publish(_ event: JSONValue) async throws {
        let type = try #require(event["type"]?.plainText)
        let message: JSONValue = [
            "body": .string(Data(event.text.utf8).base64EncodedString()), "content-type": "application/json",
            "properties": ["body_encoding": "base64"],
        ]
        let channel = "/0.celeryev/" + type.replacingOccurrences(of: "-", with: ".")
        _ = try await desk.ask([command("PUBLISH", channel, message.text)])
    }

    func answer(_ words: String...) async throws -> RESPValue {
        try #require(try await desk.ask([words.map { ByteBuffer(string: $0) }]).first)
    }
}

/// Returns when `condition` holds; fails the test when that does not come.
func eventually(
    _ what: String, within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        try #require(ContinuousClock.now < end, "waited in vain for \(what)")
        try await Task.sleep(for: .milliseconds(5))
    }
}
