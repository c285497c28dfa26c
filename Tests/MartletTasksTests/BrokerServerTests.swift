import Foundation
import Logging
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Testing

@testable import MartletTasks

/// A broker with its folder, for the length of a test.
private struct Fixture {
    var settings: BrokerSettings

    init(_ change: (inout BrokerSettings) -> Void = { _ in }) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-broker-\(UUID().uuidString)")
        settings = BrokerSettings(address: try SocketAddress(ipAddress: "127.0.0.1", port: 0), folder: folder.path)
        change(&settings)
    }

    /// Starts a broker, and stops it when `body` has ended.
    @discardableResult
    func run<Value>(_ body: (BrokerServer) async throws -> Value) async throws -> Value {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = try await BrokerServer.start(settings, logger: logger)
        do {
            let value = try await body(server)
            try await server.stop()
            return value
        } catch {
            try? await server.stop()
            throw error
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: settings.folder) }
}

@Suite struct BrokerServerTests {
    private static let task =
        #"{"body":"e30=","headers":{"task":"t","id":"i"},"properties":{"delivery_tag":"x","#
        + #""delivery_info":{"exchange":"","routing_key":"q"}}}"#

    @Test func itAnswersInBothVersions() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            #expect(try await client.call("PING") == .simple("PONG"))
            #expect(try await client.call("SET a 1") == .simple("OK"))
            #expect(try await client.call("HSET h f v") == .integer(1))
            #expect(try await client.call("HGETALL h") == .texts("f", "v"))
            try await client.call("HELLO 3")
            #expect(try await client.call("HGETALL h") == .map([RESPValue.Pair(.bulk("f"), .bulk("v"))]))
            try await client.call("ZADD z 1.5 a")
            #expect(
                try await client.call("ZRANGE z 0 -1 WITHSCORES") == .array([.array([.bulk("a"), .double(1.5)])]))
            #expect(try await client.call("NONSENSE").errorText?.hasPrefix("ERR unknown command") == true)
        }
    }

    @Test func whatWasAnsweredIsThereAfterARestart() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            for number in 0..<100 { try await client.send("RPUSH list \(number)") }
            for number in 0..<100 { #expect(try await client.next() == .integer(Int64(number + 1))) }
        }
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            #expect(try await client.call("LLEN list") == .integer(100))
            #expect(try await client.call("LRANGE list 99 99") == .texts("99"))
        }
    }

    @Test func aSnapshotTakesThePlaceOfTheJournal() async throws {
        let fixture = try Fixture { $0.limits.journalBytesBeforeSnapshot = 10_000 }
        defer { fixture.remove() }
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            for number in 0..<500 { try await client.call("SET key \(number)-\(String(repeating: "x", count: 100))") }
            try await client.call("SET other 1")
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: fixture.settings.folder)
        #expect(files.contains { $0.contains("snapshot") }, "\(files)")
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            #expect(try await client.call("STRLEN key") == .integer(104))
            #expect(try await client.call("GET other") == .bulk("1"))
        }
    }

    @Test func whoDiesWhileItWaitsTakesNothing() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.run { server in
            let (waiting, other) = (
                try await TestClient.connect(to: server.address), try await TestClient.connect(to: server.address)
            )
            try await waiting.send("BRPOP q 0")
            while try await other.call("INFO clients").text.contains("blocked_clients:0") {}
            await waiting.close()
            while !(try await other.call("INFO clients").text.contains("blocked_clients:0")) {}
            #expect(try await other.call("LPUSH q x") == .integer(1))
            #expect(try await other.call("LLEN q") == .integer(1))
        }
    }

    @Test func aMessageInLimboReturnsWhenItsConnectionEnds() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.run { server in
            let (worker, other) = (
                try await TestClient.connect(to: server.address), try await TestClient.connect(to: server.address)
            )
            try await other.call("SADD _kombu.binding.q q\u{6}\u{16}\u{6}\u{16}q")
            #expect(try await other.call("LPUSH q \(Self.task)") == .integer(1))
            #expect(try await worker.call("BRPOP q 1") == .texts("q", Self.task))
            #expect(try await other.call("LLEN q") == .integer(0))
            await worker.close()
            #expect(try await other.call("BRPOP q 5") == .texts("q", Self.task))
            #expect(try await other.call("LPUSH q text").errorText?.contains("not a JSON object") == true)
        }
    }

    @Test func commandsBehindAPopThatWaitsWaitToo() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.run { server in
            let (waiting, other) = (
                try await TestClient.connect(to: server.address), try await TestClient.connect(to: server.address)
            )
            try await waiting.send("BRPOP q 0")
            try await waiting.send("PING")
            while try await other.call("INFO clients").text.contains("blocked_clients:0") {}
            try await other.call("LPUSH q x")
            #expect(try await waiting.next() == .texts("q", "x"))
            #expect(try await waiting.next() == .simple("PONG"))
        }
    }

    @Test func aPopThatWaitsEndsInTime() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            #expect(try await client.call("BRPOP q 0.01") == .nullArray)
        }
    }

    @Test func nonsenseIsAnsweredAndEnds() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            try await client.send(raw: ByteBuffer(string: "*1\r\n+x\r\n"))
            #expect(try await client.next().errorText?.contains("Protocol error") == true)
            try await client.closed()
        }
    }

    @Test func withoutThePasswordLittleIsRead() async throws {
        let fixture = try Fixture { $0.policy.password = "secret" }
        defer { fixture.remove() }
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            #expect(try await client.call("GET a").errorText?.hasPrefix("NOAUTH") == true)
            #expect(try await client.call("AUTH secret") == .simple("OK"))
            #expect(try await client.call("GET a") == .null)
            let stranger = try await TestClient.connect(to: server.address)
            try await stranger.send(raw: ByteBuffer(string: "*100\r\n"))
            #expect(try await stranger.next().errorText?.contains("unauthenticated") == true)
        }
    }

    @Test func moreConnectionsThanAllowedAreClosed() async throws {
        let fixture = try Fixture { $0.limits.connections = 2 }
        defer { fixture.remove() }
        try await fixture.run { server in
            let first = try await TestClient.connect(to: server.address)
            let second = try await TestClient.connect(to: server.address)
            try await first.call("PING")
            try await second.call("PING")
            let third = try await TestClient.connect(to: server.address)
            try await third.closed()
            #expect(try await first.call("PING") == .simple("PONG"))
        }
    }

    @Test func aSubscriberThatDoesNotReadIsClosed() async throws {
        let fixture = try Fixture { $0.limits.unreadBytes = 1 << 20 }
        defer { fixture.remove() }
        try await fixture.run { server in
            let (lazy, other) = (
                try await TestClient.connect(to: server.address), try await TestClient.connect(to: server.address)
            )
            try await lazy.call("SUBSCRIBE news")
            try await lazy.stopReading()
            let news = String(repeating: "x", count: 256 << 10)
            var rounds = 0
            while try await other.call("PUBLISH news \(news)") == .integer(1), rounds < 1000 { rounds += 1 }
            #expect(rounds < 1000)
        }
    }

    @Test func anAnswerMayBeLongerThanWhatMayStayUnread() async throws {
        let fixture = try Fixture { $0.limits.unreadBytes = 1 << 10 }
        defer { fixture.remove() }
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            try await client.call("SET a \(String(repeating: "x", count: 1 << 20))")
            #expect(try await client.call("GET a").text.utf8.count == 1 << 20)
            #expect(try await client.call("STRLEN a") == .integer(1 << 20))
        }
    }

    @Test func anAnswerThatIsTooLongIsAnError() async throws {
        let fixture = try Fixture { $0.limits.answerBytes = 1 << 12 }
        defer { fixture.remove() }
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            try await client.call("SET a \(String(repeating: "x", count: 1 << 10))")
            #expect(try await client.call("MGET a a a a a").errorText?.contains("ask for less") == true)
            #expect(try await client.call("PING") == .simple("PONG"))
        }
    }

    @Test func whoDoesNotSayThePasswordMayNotStay() async throws {
        let fixture = try Fixture {
            $0.policy.password = "secret"
            $0.limits.passwordSeconds = 1
        }
        defer { fixture.remove() }
        try await fixture.run { server in
            let friend = try await TestClient.connect(to: server.address)
            try await friend.call("AUTH secret")
            let stranger = try await TestClient.connect(to: server.address)
            try await stranger.closed()
            #expect(try await friend.call("PING") == .simple("PONG"))
        }
    }

    @Test func aFolderBelongsToOneBroker() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.run { _ in
            await #expect(throws: (any Error).self) { try await fixture.run { _ in } }
        }
    }

    @Test func aStopIsNoDeathOfWorkers() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.run { server in
            let worker = try await TestClient.connect(to: server.address)
            try await worker.call("SADD _kombu.binding.q q\u{6}\u{16}\u{6}\u{16}q")
            try await worker.call("LPUSH q \(Self.task)")
            try await worker.call("BRPOP q 1")
            #expect(try await worker.call("HSET unacked x [\(Self.task),\"\",\"q\"]") == .integer(1))
        }
        try await fixture.run { server in
            let client = try await TestClient.connect(to: server.address)
            #expect(try await client.call("LLEN q") == .integer(0))
            #expect(try await client.call("HLEN unacked") == .integer(1))
        }
    }
}

extension RESPValue {
    fileprivate var text: String {
        switch self {
        case .bulk(let bytes), .verbatim(_, let bytes): String(buffer: bytes)
        default: ""
        }
    }
}
