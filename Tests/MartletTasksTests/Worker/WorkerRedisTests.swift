import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import MartletTasks

/// The same worker on a real Redis server, where nobody holds tasks until their time or knows our scripts beforehand.
@Suite(
    .timeLimit(.minutes(2)), .serialized,
    .enabled(if: RedisServer.isInstalled, "redis-server is not installed; ./martlet test installs it"))
struct WorkerRedisTests {
    @Test func tasksChainsAndChordsAreRun() async throws {
        try await RedisServer.run { server in
            try await WorkerStage.run(FakeTasks(), WorkerStage.settings(), at: server.url) { stage in
                let result = try await stage.result(of: try await stage.send("add", [2, 2]))
                #expect(result.result.integer == 4)
                _ = try await stage.apply(
                    .chain([.of("add", [1, 1], id: "a"), .group([.of("add", [1]), .of("add", [2])]), .of("xsum", id: "b")]))
                #expect(try await stage.result(of: "b").result.integer == 7)
                _ = try await stage.apply(.chord([.of("add", [1]), .of("fail", id: "part")], .of("xsum", id: "c")))
                #expect(try await stage.result(of: "c").failure?.type == "ChordError")
                // What `c` waited for is acknowledged beside it.
                try await stage.holds { try await $0.client.say("HLEN unacked") == .integer(0) }
            }
        }
    }

    @Test func aTaskIsHeldUntilItsTimeAndRunOnce() async throws {
        let times = Mutex<[Int64]>([])
        let tasks = FakeTasks(["late": { _ in
            times.withLock { $0.append(TaskBooks.now) }
            return .success(.null, runtime: 0)
        }])
        try await RedisServer.run { server in
            try await WorkerStage.run(tasks, WorkerStage.settings(), at: server.url) { stage in
                let due = TaskBooks.now + 400
                let id = try await stage.send("late") { $0.eta = due }
                try await stage.holds { $0.worker.status().scheduled == 1 }
                _ = try await stage.result(of: id)
                let ran = times.withLock { $0 }
                #expect(ran.count == 1)
                #expect(try #require(ran.first) >= due)
            }
        }
    }

    /// Celery's three scripts of chords, natively in the embedded broker and in our Lua on a Redis server.
    @Test func chordsAreCountedAlikeByBothEngines() async throws {
        try await RedisServer.run { server in
            try await LiveBroker.run { live in
                let (redis, embedded) = (TaskBroker.test(server.url), live.client())
                let (first, second) = (try await Self.replies(redis), try await Self.replies(embedded))
                #expect(first == second)
                await redis.close()
                await embedded.close()
            }
        }
    }

    private static func replies(_ broker: TaskBroker) async throws -> [RESPValue] {
        let ledger = Ledger(
            broker: broker, results: broker,
            books: TaskBooks(
                worker: "w@h", resultExpires: .seconds(60), routes: TaskRoutes(default: "celery"), hasOwnBackend: false),
            logger: LiveBroker.quiet)
        var replies: [RESPValue] = []
        func say(_ words: String) async throws { replies.append(try await broker.say(words)) }
        func run(_ script: ChordScript, _ keys: [String], _ arguments: [String]) async throws {
            replies.append(try await ledger.run(script, keys.map { "g" + $0 }, arguments))
        }
        let keys = [".j", ".t", ".s", ".d", "", ".c"]
        func part(_ task: String, _ place: String, token: String) async throws {
            try await run(.part, keys, [task, "[1,\"\(task)\"]", "1", place, "60", "60", "6", token])
        }
        // Before the size is known, twice the same, the last one, one that comes after it.
        try await part("a", "0", token: "x")
        try await say("SET g.s 2")
        try await part("a", "0", token: "x")
        try await run(.extend, [".c", ".s"], ["y", "21"])
        try await say("DEL g.c")
        try await part("b", "1", token: "x")
        try await part("b", "1", token: "y")
        try await say("ZRANGE g.j 0 -1")
        try await run(.extend, [".c", ".s"], ["y", "21"])
        try await run(.extend, [".c", ".s"], ["x", "21"])
        try await run(.cleanup, [".c", ".j", ".t", ".s", ".d"], ["y", "300"])
        try await run(.cleanup, [".c", ".j", ".t", ".s", ".d"], ["x", "300"])
        try await part("b", "1", token: "z")
        for key in ["g.j", "g.t", "g.s", "g.d", "g.c"] { try await say("EXISTS \(key)") }
        return replies
    }
}
