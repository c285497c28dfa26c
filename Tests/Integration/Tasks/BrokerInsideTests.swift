import Foundation
import MartletTools
import NIOCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The broker that runs inside `martlet up`.
@Suite("The broker inside the server", .serialized) struct BrokerInsideTests {
    private static func configuration(_ broker: String = "") -> String {
        "tasks: {broker: {listen: 127.0.0.1:0, store: {dir}/tasks\(broker)}, events: false}\n"
    }

    private func withServer(
        _ configuration: String, environment: [String: String] = [:], _ body: (MartletProcess) async throws -> Void
    ) async throws {
        let martlet = try await MartletProcess.start(configuration, environment: environment)
        do {
            try await body(martlet)
            await martlet.stop()
        } catch {
            await martlet.stop()
            throw error
        }
    }

    /// The port that the server named when it last began.
    private func port(_ martlet: MartletProcess, from beginning: Int = 1) async throws -> Int {
        var lines: [Substring] = []
        try await until("the broker's URL") {
            lines = martlet.written(to: "out").split(separator: "\n").filter { $0.hasPrefix("tasks ") }
            return lines.count >= beginning
        }
        return try #require(lines.last?.split(separator: ":").last?.split(separator: "/").first.flatMap { Int($0) })
    }

    /// What the broker answers to a line of words.
    private func say(_ line: String, port: Int, until end: String = "\r\n") async throws -> String {
        let peer = try await Peer.connect(port)
        try await peer.send(line + "\r\n")
        let heard = try await peer.receive(.text(end))
        await peer.close()
        return String(buffer: heard.bytes)
    }

    @Test func whatWasAcknowledgedOutlivesTheServingProcess() async throws {
        try await withServer(Self.configuration()) { martlet in
            let first = try await port(martlet)
            #expect(try await say("PING", port: first) == "+PONG\r\n")
            #expect(try await say("RPUSH list a b c", port: first) == ":3\r\n")
            // Old enough to be started again without a pause.
            try await Task.sleep(for: .milliseconds(1100))
            let victim = try martlet.servingID
            kill(victim, SIGKILL)
            try await until("another process to serve") { ((try? martlet.servingID) ?? victim) != victim }
            let second = try await port(martlet, from: 2)
            #expect(try await say("LLEN list", port: second) == ":3\r\n")
        }
    }

    @Test func itsNumbersAreAmongTheMetrics() async throws {
        try await withServer(Self.configuration(", memory: 64MiB")) { martlet in
            let port = try await port(martlet)
            _ = try await say("SADD _kombu.binding.q \"q\\x06\\x16\\x06\\x16q\"", port: port)
            _ = try await say("SET a b", port: port)
            let metrics = try await martlet.metrics()
            #expect(metrics.sum("martlet_broker_memory_bytes", ["kind": "limit"]) == Double(64 << 20))
            #expect(metrics.sum("martlet_broker_records_total") > 0)
            #expect(metrics.sum("martlet_broker_sync_seconds_count") > 0)
            #expect(metrics.sum("martlet_task_queue_messages", ["queue": "q", "state": "ready"]) == 0)
        }
    }

    @Test func aReloadThatChangesTasksIsRefusedAndSaysWhy() async throws {
        let pool = "pools: {p: {targets: [http://127.0.0.1:9], health: off}}\n"
        try await withServer(Self.configuration() + pool) { martlet in
            try await martlet.reload(Self.configuration() + pool + "models: {m: p}\n")
            let refused = try await martlet.tryReload(Self.configuration(", memory: 64MiB") + pool)
            #expect(refused.status >= 400 && refused.body.contains("tasks: does not change under a reload"))
            #expect(try await say("PING", port: try await port(martlet)) == "+PONG\r\n")
        }
    }

    @Test func withAPasswordItIsOnlyForThoseWhoKnowIt() async throws {
        try await withServer(Self.configuration(), environment: ["MARTLET_BROKER_PASSWORD": "secret"]) { martlet in
            let port = try await port(martlet)
            #expect(try await say("PING", port: port).hasPrefix("-NOAUTH"))
            #expect(try await say("AUTH secret", port: port) == "+OK\r\n")
            // The desk of tasks knows it.
            try await martlet.get("/queues").expect(200)
        }
    }

    @Test func aPortThatIsTakenIsNamedWithItsKey() async throws {
        let taken = try await RawBackend.start()
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "martlet.yaml")
        let broker = "{listen: 127.0.0.1:\(taken.port), store: \(folder.path)/tasks}"
        try "listen: 127.0.0.1:0\nconsole: off\ntasks: {broker: \(broker)}\n"
            .write(to: file, atomically: false, encoding: .utf8)
        let run = try await CommandRun.martlet("up", file.path)
        #expect(run.status != 0)
        #expect(run.output.contains("tasks.broker: 127.0.0.1, port \(taken.port): in use"), "\(run.output)")
        #expect(run.output.contains("`tasks.broker.listen`"))
        await taken.stop()
    }
}
