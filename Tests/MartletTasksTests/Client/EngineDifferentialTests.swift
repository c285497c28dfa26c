import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Testing

@testable import MartletTasks

/// Martlet's scripts in Lua, on a real Redis server, and natively, in the embedded broker: whatever is asked, both
/// answer the same and have the same data.
@Suite(
    .timeLimit(.minutes(2)), .serialized,
    .enabled(if: RedisServer.isInstalled, "redis-server is not installed; ./martlet test installs it"))
struct EngineDifferentialTests {
    @Test(arguments: 0..<10) func bothEnginesDoTheSame(seed: UInt64) async throws {
        try await withBoth { redis, embedded in
            for broker in [redis, embedded] { _ = try await broker.say("SET none text") }
            var lives = [EngineLife(redis, seed: seed), EngineLife(embedded, seed: seed)]
            for step in 0..<60 {
                let first = try await lives[0].step()
                let second = try await lives[1].step()
                #expect(first == second, "seed \(seed), step \(step)")
                guard first == second else { return }
            }
            let (first, second) = (try await lives[0].data(), try await lives[1].data())
            #expect(first.count == second.count)
            for (one, other) in zip(first, second) { #expect(one == other, "seed \(seed)") }
        }
    }

    @Test func serversNameScriptsAsWeDo() async throws {
        try await RedisServer.run { server in
            let broker = TaskBroker.test(server.url)
            for script in OwnScript.allCases {
                let words = ["SCRIPT", "LOAD", script.text].map { ByteBuffer(string: $0) }
                let names = try await broker.run([words])
                #expect(names == [.bulk(script.sha1.text)])
            }
            await broker.close()
        }
    }

    @Test func aRedisServerIsWaitedForAsTheEmbeddedBroker() async throws {
        try await RedisServer.run { server in
            let (worker, producer) = (TaskBroker.test(server.url), TaskBroker.test(server.url))
            async let woken: Void = worker.wait(for: [QueueList(queue: "q", step: 3), QueueList(queue: "q")])
            try await producer.publish([("q", "q", message("t1"))])
            try await woken
            #expect(try await worker.take([QueueList(queue: "q")], count: 2).count == 1)
            await worker.close()
            await producer.close()
        }
    }

    /// What workers of Celery's took long ago, and left: it goes where it came from, priority and exchange in mind.
    @Test func onARedisServerWhatCelerysWorkersLeftIsRestored() async throws {
        try await RedisServer.run { server in
            let broker = TaskBroker.test(server.url, prefix: "app:")
            let urgent = String(buffer: message("t1")).replacing(#""priority": 0"#, with: #""priority": 7"#)
            let routed = String(buffer: message("t2", queue: "key", exchange: "ex"))
            for (tag, text, origin) in [("t1", urgent, #""", "q""#), ("t2", routed, #""ex", "key""#)] {
                let note = ["HSET", "app:unacked", tag, "[\(text), \(origin)]"].map { ByteBuffer(string: $0) }
                _ = try await broker.run([note])
                _ = try await broker.say("ZADD app:unacked_index 1000.5 \(tag)")
            }
            _ = try await broker.say("SADD app:_kombu.binding.ex key\u{6}\u{16}\u{6}\u{16}r")
            _ = try await broker.say("ZADD app:unacked_index 1000.5 nothing")
            #expect(try await broker.restore(lease: .seconds(30)) == 2)
            let lists = [QueueList(queue: "q", step: 6), QueueList(queue: "r")]
            let taken = try await broker.take(lists, count: 5)
            #expect(taken.map(\.receipt.tag) == ["t1", "t2"])
            #expect(taken.allSatisfy { isRedelivered($0.message) })
            #expect(try await broker.say("HLEN app:unacked") == .integer(2))
            #expect(try await broker.say("ZCARD app:unacked_index") == .integer(2))
            await broker.close()
        }
    }

    /// Of messages that workers of Celery's acknowledged, or that were purged, nobody tells these scripts.
    @Test func onARedisServerFailedDeliveriesAreForgottenOnceTheyAreOld() async throws {
        try await RedisServer.run { server in
            let broker = TaskBroker.test(server.url)
            let list = QueueList(queue: "q")
            func turn() async throws {
                _ = try await broker.say("DEL martlet.deliveries.turn")
                #expect(try await broker.restore(lease: .seconds(30)) == 0)
            }
            try await broker.publish([("q", "q", message("t1")), ("q", "q", message("t2"))])
            for delivery in try await broker.take([list], count: 2) {
                #expect(try await broker.giveBack(delivery.receipt, message: delivery.message, atHead: false))
            }
            try await turn()
            #expect(try await broker.restore(lease: .seconds(30)) == 0, "a turn is a day")
            let again = try await broker.take([list], count: 1)
            #expect(again.map(\.deliveries) == [2], "it is remembered through a turn")
            for delivery in again {
                #expect(try await broker.giveBack(delivery.receipt, message: delivery.message, atHead: false))
            }
            #expect(try await broker.say("HLEN martlet.deliveries.old") == .integer(2))
            try await turn()
            #expect(try await broker.say("HLEN martlet.deliveries.old") == .integer(1), "one failed again since")
            #expect(try await broker.say("EXISTS martlet.deliveries") == .integer(0))
            try await turn()
            #expect(try await broker.say("EXISTS martlet.deliveries martlet.deliveries.old") == .integer(0))
            await broker.close()
        }
    }

    private func withBoth(_ body: (TaskBroker, TaskBroker) async throws -> Void) async throws {
        try await RedisServer.run { server in
            try await LiveBroker.run {
                ($0.policy.maximumDeliveries, $0.policy.failuresBeforeDelay) = (1000, 1000)
            } _: { live in
                let (redis, embedded) = (TaskBroker.test(server.url), live.client())
                try await body(redis, embedded)
                await redis.close()
                await embedded.close()
            }
        }
    }
}

/// A life of a worker, by chance: what it does, and what it is answered, as text.
private struct EngineLife {
    private let broker: TaskBroker
    private var random: SplitMix64
    private var nextTag = 0
    private var held: [Delivery] = []
    /// Receipts that are no longer good.
    private var spent: [Receipt] = []
    private let lists = QueueList.all(of: ["q", "p"])

    /// - Parameter broker: what is pushed on its `none` is refused.
    init(_ broker: TaskBroker, seed: UInt64) {
        self.broker = broker
        random = SplitMix64(seed: seed)
    }

    mutating func step() async throws -> String {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25: return try await publish()
        case 25..<50: return try await take()
        case 50..<66: return try await finish()
        case 66..<70: return try await tell()
        case 70..<78: return try await giveBack()
        case 78..<84: return try await bury()
        case 84..<90: return try await renew()
        case 90..<94: return try await restore()
        case 94..<96: return try await claim()
        case 96: return try await withdraw()
        case 97: return try await enter()
        default: return try await actTooLate()
        }
    }

    /// All that is there, as far as clocks do not decide.
    func data() async throws -> [String] {
        let tags = (0..<nextTag).map(Self.tag)
        let keys = lists.map(\.key) + ["q.dead", "p.dead", "next"]
        let questions =
            keys.map { ["LRANGE", $0, "0", "-1"] } + tags.map { ["HGET", "unacked", $0] }
            + tags.map { ["HGET", "martlet.leases", $0] } + tags.map { ["GET", "r-\($0)"] }
            + (0..<3).map { ["GET", "martlet-unique-k\($0)"] } + (0..<2).map { ["HKEYS", "martlet.key:k\($0)"] }
            + [["ZRANGE", "unacked_index", "0", "-1"]]
        let replies = try await broker.run(questions.map { $0.map { ByteBuffer(string: $0) } })
        return zip(questions, replies).map { question, reply in
            // Their order is that of clocks, or anyone's.
            let text = Self.text(reply)
            let isUnordered = ["ZRANGE", "HKEYS"].contains(question[0])
            return "\(question): " + (isUnordered ? text.split(separator: " ").sorted().joined(separator: " ") : text)
        }
    }

    // MARK: Steps

    private mutating func publish() async throws -> String {
        let messages = (0..<Int.random(in: 1...5, using: &random)).map { _ -> OutgoingMessage in
            let list = lists.randomElement(using: &random) ?? lists[0]
            return (list.key, list.queue, message(newTag(), queue: list.queue))
        }
        try await broker.publish(messages)
        return "published"
    }

    private mutating func take() async throws -> String {
        let taken = try await broker.take(lists, count: Int.random(in: 1...6, using: &random))
        held += taken
        return taken.map { delivery in
            "\(delivery.receipt) \(delivery.deliveries) \(String(buffer: delivery.message))"
        }.joined(separator: "\n")
    }

    private mutating func finish() async throws -> String {
        var batch: [TaskFinish] = []
        while !held.isEmpty, batch.count < 4, Bool.random(using: &random) || batch.isEmpty {
            let delivery = hand()
            var finish = TaskFinish(receipt: delivery.receipt)
            if Bool.random(using: &random) {
                let status = ["SUCCESS", "FAILURE", "RETRY"].randomElement(using: &random) ?? ""
                finish.storing = StoredResult(
                    key: "r-\(delivery.receipt.tag)", json: ByteBuffer(string: #"{"status": "\#(status)"}"#),
                    expires: Bool.random(using: &random) ? .zero : .seconds(600))
            }
            if Bool.random(using: &random) {
                finish.publishing = [("next", "next", message(newTag(), queue: "next"))]
            }
            if Int.random(in: 0..<8, using: &random) == 0 {
                finish.publishing.append(("none", "none", message(newTag(), queue: "none")))
            }
            if Bool.random(using: &random) { finish.freeing = hold(of: delivery.receipt.tag) }
            batch.append(finish)
        }
        return "\(try await broker.finish(batch))"
    }

    /// States of messages in hand and of ones that no longer are, and of tasks that nobody has.
    private mutating func tell() async throws -> String {
        let receipts = (held.map(\.receipt) + spent).shuffled(using: &random).prefix(4)
        let states = receipts.map { receipt in
            let status = ["SUCCESS", "PROGRESS", "REVOKED"].randomElement(using: &random) ?? ""
            let result = StoredResult(
                key: "r-\(receipt.tag)", json: ByteBuffer(string: #"{"status": "\#(status)"}"#),
                expires: Bool.random(using: &random) ? .zero : .seconds(600))
            return StateNews(
                result, while: Bool.random(using: &random) ? receipt : nil,
                keeping: Bool.random(using: &random) ? [.success, .revoked] : [])
        }
        return "\(try await broker.tell(states))"
    }

    private mutating func giveBack() async throws -> String {
        guard !held.isEmpty else { return "" }
        let delivery = hand()
        let atHead = Bool.random(using: &random)
        return "\(try await broker.giveBack(delivery.receipt, message: delivery.message, atHead: atHead))"
    }

    private mutating func bury() async throws -> String {
        guard !held.isEmpty else { return "" }
        let delivery = hand()
        return "\(try await broker.bury(delivery.receipt, message: delivery.message))"
    }

    private func renew() async throws -> String {
        "\(try await broker.renew(held.map(\.receipt) + spent.suffix(3)))"
    }

    /// Some leases run out, each at a time of its own, so that no clock decides which come first.
    private mutating func restore() async throws -> String {
        for delivery in held where Bool.random(using: &random) {
            let number = delivery.receipt.tag.dropFirst()
            _ = try await ask("ZADD", "unacked_index", "XX", String(number), delivery.receipt.tag)
        }
        let limit = Int.random(in: 1...10, using: &random)
        return "\(try await broker.restore(lease: .seconds(30), atMost: limit))"
    }

    /// A message that waits, or one that does not any more.
    private mutating func withdraw() async throws -> String {
        guard nextTag > 0, let list = lists.randomElement(using: &random) else { return "" }
        let tag = Self.tag(Int.random(in: 0..<nextTag, using: &random))
        if Int.random(in: 0..<4, using: &random) == 0 {
            _ = try await ask("SET", "r-\(tag)", #"{"status": "SUCCESS"}"#)
        }
        let end = StoredResult(
            key: "r-\(tag)", json: ByteBuffer(string: #"{"status": "REVOKED"}"#),
            expires: Bool.random(using: &random) ? .zero : .seconds(600))
        let waiting = message(tag, queue: list.queue)
        let stored = Bool.random(using: &random) ? end : nil
        return "\(try await broker.withdraw(waiting, tag: tag, from: list.key, storing: stored))"
    }

    private mutating func claim() async throws -> String {
        guard let delivery = held.randomElement(using: &random) else { return "" }
        let mine = hold(of: delivery.receipt.tag)
        let owners = try await broker.claim([mine])
        if Int.random(in: 0..<4, using: &random) == 0 { try await broker.free(mine) }
        return "\(owners)"
    }

    /// Places for messages in hand and for ones that no longer are.
    private mutating func enter() async throws -> String {
        let receipts = (held.map(\.receipt) + spent.suffix(3)).shuffled(using: &random).prefix(4)
        let places = receipts.map { receipt in
            KeyPlace(key: "k\(Int.random(in: 0..<2, using: &random))", limit: 2, receipt: receipt)
        }
        return "\(try await broker.enter(places))"
    }

    private mutating func hold(of tag: String) -> UniqueHold {
        UniqueHold(key: "k\(Int.random(in: 0..<3, using: &random))", task: tag)
    }

    private mutating func actTooLate() async throws -> String {
        guard let receipt = spent.randomElement(using: &random) else { return "" }
        let late = message(receipt.tag, queue: receipt.queue)
        let result = StoredResult(key: "late", json: ByteBuffer(string: "{}"), expires: .zero)
        return """
            \(try await broker.finish(receipt, storing: result)) \
            \(try await broker.giveBack(receipt, message: late, atHead: false)) \
            \(try await broker.bury(receipt, message: late))
            """
    }

    // MARK: Words

    private mutating func newTag() -> String {
        defer { nextTag += 1 }
        return Self.tag(nextTag)
    }

    private static func tag(_ number: Int) -> String { "t\(10_000 + number)" }

    private mutating func hand() -> Delivery {
        let delivery = held.remove(at: Int.random(in: held.indices, using: &random))
        spent.append(delivery.receipt)
        return delivery
    }

    private func ask(_ words: String...) async throws -> String {
        try await broker.run([words.map { ByteBuffer(string: $0) }]).map(Self.text).joined()
    }

    private static func text(_ value: RESPValue) -> String {
        switch value {
        case .bulk(let bytes): String(buffer: bytes)
        case .array(let values): values.map(text).joined(separator: " ")
        default: "\(value)"
        }
    }
}
