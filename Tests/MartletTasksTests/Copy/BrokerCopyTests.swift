import Foundation
import MartletLogic
import MartletNet
@testable import MartletTasks
import MartletWire
import NIOCore
import NIOPosix
import Testing


/// Work moves from one broker to another: whole, in its order, once.
@Suite(.timeLimit(.minutes(2))) struct BrokerCopyTests {
    private static let loop = MultiThreadedEventLoopGroup.singleton.next()
    private static let far = "\"2126-01-01T00:00:00+00:00\""

    private func copy(_ from: RedisURL, _ to: RedisURL, intoExisting: Bool = false) async throws -> CopyReport {
        try await BrokerCopy.run(from: from, to: to, intoExisting: intoExisting, on: Self.loop)
    }

    private func withConnection<Value: Sendable>(
        _ url: RedisURL, _ body: (RedisConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await RedisConnection.open(url, on: Self.loop, timeout: .seconds(10))
        defer { connection.close() }
        return try await body(connection)
    }

    private func say(_ connection: RedisConnection, _ words: [ByteBuffer]) async throws -> RESPValue {
        try await connection.call(words)
    }

    /// What a week of work leaves in a broker.
    private func fill(_ url: RedisURL) async throws {
        try await withConnection(url) { redis in
            for queue in ["q", "r"] {
                let member = ByteBuffer(string: "\(queue)\u{6}\u{16}\u{6}\u{16}\(queue)")
                _ = try await say(redis, command("SADD", "_kombu.binding.\(queue)") + [member])
            }
            for number in 0..<450 { _ = try await say(redis, command("LPUSH", "q") + [message("t\(number)")]) }
            _ = try await say(redis, command("LPUSH", "q\u{6}\u{16}6") + [message("urgent")])
            _ = try await say(redis, command("LPUSH", "q") + [message("later", eta: Self.far)])
            _ = try await say(redis, command("LPUSH", "r.dead") + [message("dead", queue: "r")])
            for tag in ["taken1", "taken2"] {
                let note = CeleryReservation.text(
                    Array(buffer: message(tag, queue: "r")), exchange: "", routingKey: "r")
                _ = try await say(redis, command("HSET", "unacked", tag) + [ByteBuffer(bytes: note)])
                _ = try await say(redis, command("ZADD", "unacked_index", "1\(tag.suffix(1))", tag))
            }
            _ = try await redis.call("SET", "celery-task-meta-1", "{\"status\": \"SUCCESS\"}", "EX", "86400")
            _ = try await redis.call("ZADD", "celery-taskset-meta-g.j", "0", "a", "1.5", "b")
            _ = try await redis.call("SET", "celery-taskset-meta-g.s", "2")
            _ = try await redis.call("HSET", "mine", "f", "v")
            _ = try await redis.call("RPUSH", "numbers", "1", "2", "3")
            _ = try await redis.call("SET", "unacked_mutex", "lock")
        }
    }

    /// Lists as they would be served, the ages first.
    private func tags(_ url: RedisURL, _ list: String) async throws -> [String] {
        try await withConnection(url) { redis in
            try await redis.call("LRANGE", list, "0", "-1").elements.compactMap(\.bytes)
                .compactMap { CopiedMessage($0)?.tag }.reversed()
        }
    }

    private func expectAll(_ url: RedisURL, holdsDelayed: Bool) async throws {
        let delayed = holdsDelayed ? [] : ["later"]
        #expect(try await tags(url, "q") == (0..<450).map { "t\($0)" } + delayed)
        #expect(try await tags(url, "q\u{6}\u{16}6") == ["urgent"])
        #expect(try await tags(url, "r") == ["taken1", "taken2"])
        #expect(try await tags(url, "r.dead") == ["dead"])
        try await withConnection(url) { redis in
            let taken = try await redis.call("LRANGE", "r", "0", "-1").elements.compactMap(\.bytes)
            #expect(taken.allSatisfy { isRedelivered($0) })
            #expect(try await redis.call("GET", "celery-task-meta-1").string == "{\"status\": \"SUCCESS\"}")
            #expect((80_000...86_400).contains(try await redis.call("TTL", "celery-task-meta-1").wholeNumber ?? 0))
            #expect(try await redis.call("ZSCORE", "celery-taskset-meta-g.j", "b") == .double(1.5))
            #expect(try await redis.call("HGET", "mine", "f").string == "v")
            let numbers = try await redis.call("LRANGE", "numbers", "0", "-1").elements.compactMap(\.string)
            #expect(numbers == ["1", "2", "3"])
            #expect(try await redis.call("EXISTS", "unacked", "unacked_index", "unacked_mutex").wholeNumber == 0)
            #expect(try await redis.call("SCARD", "_kombu.binding.q").wholeNumber == 1)
        }
    }

    private func expectFirst(_ report: CopyReport) {
        #expect(report.isComplete, "\(report.text)")
        #expect(report.copied == 455 && report.known == 0 && report.taken == 2 && report.bindings == 2)
        #expect(report.results == 3 && report.others == 2)
        #expect(report.text.hasSuffix("verified: every message is there"))
    }

    @Test func fromOneOfMartletsToAnother() async throws {
        try await LiveBroker.run { source in
            try await fill(source.url)
            try await LiveBroker.run { destination in
                let report = try await copy(source.url, destination.url)
                expectFirst(report)
                #expect(report.delayed == 1)
                try await expectAll(destination.url, holdsDelayed: true)
                try await withConnection(destination.url) { broker in
                    let held = try await broker.call("MARTLET", "HELD")
                    #expect(held == .array([.bulk("q"), .integer(1)]))
                }
                #expect(try await tags(source.url, "q").count == 450, "nothing is removed where it came from")
            }
        }
    }

    @Test func copyingAgainBringsOnlyWhatIsNew() async throws {
        try await LiveBroker.run { source in
            try await fill(source.url)
            try await LiveBroker.run { destination in
                _ = try await copy(source.url, destination.url)
                // Meanwhile work goes on there, and comes here.
                let worker = destination.client()
                let done = try await worker.take([QueueList(queue: "q")], count: 100)
                _ = try await worker.finish(done.map { TaskFinish(receipt: $0.receipt) })
                await worker.close()
                try await withConnection(source.url) { redis in
                    _ = try await say(redis, command("LPUSH", "q") + [message("new")])
                }
                await #expect(throws: CopyError.self) { try await copy(source.url, destination.url) }
                let again = try await copy(source.url, destination.url, intoExisting: true)
                #expect(again.copied == 1 && again.known == 455 && again.isComplete, "\(again.text)")
                #expect(try await tags(destination.url, "q") == (100..<450).map { "t\($0)" } + ["new"])
            }
        }
    }

    @Test func theWayBackBringsNothingTwice() async throws {
        try await LiveBroker.run { first in
            try await fill(first.url)
            try await LiveBroker.run { second in
                _ = try await copy(first.url, second.url)
                let back = try await copy(second.url, first.url, intoExisting: true)
                #expect(back.copied == 0 && back.isComplete, "\(back.text)")
                #expect(try await tags(first.url, "q").count == 450)
            }
        }
    }

    /// A topic exchange puts one message, with one tag, into each queue that is bound.
    @Test func aMessageInTwoQueuesIsCopiedToBoth() async throws {
        try await LiveBroker.run { source in
            try await withConnection(source.url) { redis in
                for queue in ["q", "r"] { _ = try await say(redis, command("LPUSH", queue) + [message("both")]) }
                let note = CeleryReservation.text(Array(buffer: message("taken")), exchange: "", routingKey: "q")
                _ = try await say(redis, command("HSET", "unacked", "taken") + [ByteBuffer(bytes: note)])
                _ = try await say(redis, command("LPUSH", "r") + [message("taken")])
            }
            try await LiveBroker.run { destination in
                let report = try await copy(source.url, destination.url)
                #expect(report.copied == 4 && report.isComplete, "\(report.text)")
                #expect(try await tags(destination.url, "q").sorted() == ["both", "taken"])
                #expect(try await tags(destination.url, "r") == ["both", "taken"])
                let again = try await copy(source.url, destination.url, intoExisting: true)
                #expect(again.copied == 0 && again.known == 4 && again.isComplete, "\(again.text)")
            }
        }
    }

    @Test func aTakenMessageGoesWhereItsBindingOrItsLeaseSays() async throws {
        try await LiveBroker.run { source in
            try await withConnection(source.url) { redis in
                let member = ByteBuffer(string: "key\u{6}\u{16}\u{6}\u{16}bound")
                _ = try await say(redis, command("SADD", "_kombu.binding.ex") + [member])
                for (tag, exchange) in [("a", "ex"), ("b", "nobody"), ("c", "nobody")] {
                    let note = CeleryReservation.text(
                        Array(buffer: message(tag, queue: "key", exchange: exchange)), exchange: exchange,
                        routingKey: "key")
                    _ = try await say(redis, command("HSET", "unacked", tag) + [ByteBuffer(bytes: note)])
                }
                _ = try await redis.call("HSET", "martlet.leases", "b", "17 leased")
            }
            try await LiveBroker.run { destination in
                let report = try await copy(source.url, destination.url)
                #expect(try await tags(destination.url, "bound") == ["a"])
                #expect(try await tags(destination.url, "leased") == ["b"])
                #expect(report.unplaced == 1 && !report.isComplete)
            }
        }
    }

    @Test func whatTheDestinationRefusesIsNamed() async throws {
        try await LiveBroker.run { source in
            try await fill(source.url)
            try await LiveBroker.run({ $0.policy.maximumMessageBytes = 600 }) { destination in
                try await withConnection(source.url) { redis in
                    let long = message("long" + String(repeating: "x", count: 400))
                    _ = try await say(redis, command("LPUSH", "r") + [long, message("short", queue: "r")])
                }
                let report = try await copy(source.url, destination.url)
                #expect(report.refused == 1 && !report.isComplete)
                #expect(report.lists.first { $0.name == "r" }?.reason.contains("longer than 600 bytes") == true)
                #expect(try await tags(destination.url, "r").contains("short"))
            }
        }
    }

    @Test func aBrokerIsNotCopiedToItself() async throws {
        try await LiveBroker.run { broker in
            await #expect(throws: CopyError.same) { try await copy(broker.url, broker.url) }
            var other = broker.url
            other.database = 3
            try await fill(broker.url)
            #expect(try await copy(broker.url, other).isComplete)
        }
    }

    @Test(.enabled(if: RedisServer.isInstalled, "redis-server is not installed; ./martlet test installs it"))
    func fromRedisAndTheWayBack() async throws {
        try await RedisServer.run { redis in
            try await fill(redis.url)
            try await LiveBroker.run { broker in
                let there = try await copy(redis.url, broker.url)
                expectFirst(there)
                #expect(there.delayed == 0, "to Redis it is a message like any other")
                try await expectAll(broker.url, holdsDelayed: true)
                try await RedisServer.run { other in
                    let back = try await copy(broker.url, other.url)
                    #expect(back.isComplete && back.copied == 455 && back.delayed == 1, "\(back.text)")
                    try await expectAll(other.url, holdsDelayed: false)
                }
            }
        }
    }
}

@Suite struct CopyKindTests {
    @Test(arguments: [
        ("unacked", "hash", CopyKind.taken), ("app_unacked", "hash", .taken), ("unacked", "string", .other),
        ("unacked_index", "zset", .left), ("x_unacked_mutex", "string", .left), ("martlet.leases", "hash", .left),
        ("_kombu.binding.q", "set", .bindings), ("app_kombu.binding.q", "set", .bindings),
        ("_kombu.binding_deadlines", "zset", .bindings), ("_kombu.binding.celeryev", "set", .left),
        ("_kombu.binding.reply.celery.pidbox", "set", .left), ("1.reply.celery.pidbox", "list", .left),
        ("q", "list", .list), ("q\u{6}\u{16}3", "list", .list), ("celery-task-meta-1", "string", .result),
        ("celery-taskset-meta-1.j", "zset", .result), ("martlet.copied", "set", .left), ("mine", "hash", .other),
    ])
    func keysAreKnown(_ key: String, _ type: String, _ kind: CopyKind) {
        #expect(CopyKind.of(key, type: type) == kind)
    }

    @Test func prioritiesHaveListsOfTheirOwn() {
        let places = CopyPlaces()
        #expect(places.list(exchange: "", routingKey: "q", priority: 4, prefix: "p_") == "p_q\u{6}\u{16}3")
        #expect(places.list(exchange: "", routingKey: "q", priority: 0, prefix: "") == "q")
        #expect(places.list(exchange: "", routingKey: "", priority: 0, prefix: "") == nil)
        #expect(places.list(exchange: "e", routingKey: "q", priority: 0, prefix: "") == nil)
    }
}
