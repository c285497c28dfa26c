import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletStore
import Synchronization
import Testing

@testable import MartletKnowledge

@Suite(
    "Answers and sessions that nodes share in a Redis server", .timeLimit(.minutes(2)),
    .enabled(if: RedisServer.path != nil, "redis-server is not installed; ./martlet test installs it"))
struct RedisAnswerTests {
    private let scope = AnswerScope(bases: ["a"], model: "m", limit: 2)
    private let shape = QuestionShape("年假有几天？")

    private func passage(_ id: Int64, name: String? = nil) -> Passage {
        Passage(
            id: ChunkID(id), document: DocumentVersion(base: "a", name: name ?? "\(id).md", version: 1),
            chunk: Chunk(text: "年假五天", range: 0..<4, place: .page(2), headings: ["假期"]),
            metadata: ["n": .number(1)], score: 0.5, why: Passage.Why(cosine: 0.25, matched: ["年假"]))
    }

    private func answer(_ ids: Int64..., text: String = "五天[1]。") -> CachedAnswer {
        CachedAnswer(
            text: text, sources: ids.map { passage($0) },
            citations: [CheckedSentence(range: 0..<6, citations: [.init(source: 1, range: 0..<4)])], promptTokens: 7)
    }

    /// Two nodes on one store, the first of which has kept an answer of epoch 1 that rests on chunks 1 and 2.
    private func nodes(
        _ limits: AnswerCacheMachine.Limits = .init(),
        _ body: (_ one: RedisAnswerCache, _ other: RedisAnswerCache) async throws -> Void
    ) async throws {
        try await RedisServer.run { server in
            let links = [server.link(), server.link()]
            let clock = Clock()
            let caches = links.map { RedisAnswerCache($0, store: "s", limits, now: { clock.next() }) }
            await caches[0].keep(answer(1, 2), for: shape, [1, 0], scope, epochs: ["a": 1])
            try await body(caches[0], caches[1])
            for link in links { link.close() }
        }
    }

    private func isThere(_ cache: RedisAnswerCache, epoch: Int) async -> Bool {
        await cache.answer(to: shape, scope, epochs: ["a": epoch]) != nil
    }

    @Test("An answer that one node kept is given by another, as it was, to the question and to one that means the same")
    func shared() async throws {
        try await nodes { _, other in
            #expect(await other.answer(to: shape, scope, epochs: ["a": 1]) == answer(1, 2))
            let near = QuestionShape("年假有多少天？")
            let found = [passage(2), passage(1)]
            #expect(await other.answer(near: near, [1, 0], found, scope, epochs: ["a": 1]) == answer(1, 2))
            #expect(await other.answer(near: near, [0, 1], found, scope, epochs: ["a": 1]) == nil)
            #expect(await other.answer(near: near, [1, 0], [passage(1)], scope, epochs: ["a": 1]) == nil)
            #expect(await other.answer(near: near, [1, 0], found, scope, epochs: ["a": 2]) == nil)
            var guest = scope
            guest.permissions = "guest"
            #expect(await other.answer(to: shape, guest, epochs: ["a": 1]) == nil)
            #expect((other.figures.hits, other.figures.nearHits) == (1, 1))
        }
    }

    @Test("A change on one node takes answers of all nodes that rest on what it touches, and carries the rest over")
    func change() async throws {
        try await nodes { one, other in
            await one.keep(answer(3), for: QuestionShape("q"), nil, scope, epochs: ["a": 1])
            let change = BaseChange(base: "a", previous: 1, epoch: 2, gone: [ChunkID(3)], hasNew: false)
            await other.change(change) { questions in
                #expect(questions.map(\.found) == [[ChunkID(1), ChunkID(2)]] && questions.map(\.vector) == [[1, 0]])
                return Set(questions.map(\.id))
            }
            // Who has not heard of it, and who has.
            for epoch in [1, 2] { #expect(await isThere(one, epoch: epoch)) }
            #expect(await one.answer(to: QuestionShape("q"), scope, epochs: ["a": 1]) == nil)
            #expect(await !isThere(one, epoch: 3))
            await one.change(BaseChange(base: "a", previous: 2, epoch: 3, hasNew: true)) { _ in [] }
            #expect(await !isThere(other, epoch: 3))
            #expect((other.figures.carried, other.figures.dropped, one.figures.dropped) == (1, 1, 1))
        }
    }

    @Test("Once a change was told of, nothing older is given or kept, however late its reader or its answer is")
    func fence() async throws {
        try await nodes { one, other in
            await other.change(BaseChange(base: "a", previous: 5, epoch: 6, hasNew: true)) { Set($0.map(\.id)) }
            #expect(await !isThere(one, epoch: 1))
            await one.keep(answer(1), for: shape, nil, scope, epochs: ["a": 5])
            #expect(await !isThere(one, epoch: 5))
            await one.keep(answer(1), for: shape, nil, scope, epochs: ["a": 6])
            #expect(await isThere(other, epoch: 6))
            // News that comes late takes nothing back.
            let late = BaseChange(base: "a", previous: 4, epoch: 5, documents: ["1.md"], hasNew: true)
            await other.change(late) { _ in [] }
            #expect(await isThere(other, epoch: 6))
        }
    }

    @Test("Nodes with another store, and bases that are gone, have none of it; answers are bounded in number and size")
    func bounds() async throws {
        var limits = AnswerCacheMachine.Limits()
        limits.answers = 3
        try await nodes(limits) { one, other in
            for number in 0..<3 {
                await one.keep(answer(1), for: QuestionShape("q\(number)"), nil, scope, epochs: ["a": 1])
            }
            #expect(await !isThere(one, epoch: 1))
            #expect(await other.answer(to: QuestionShape("q2"), scope, epochs: ["a": 1]) != nil)
            let long = answer(1, text: String(repeating: "x", count: 1 << 20))
            await one.keep(long, for: shape, nil, scope, epochs: ["a": 1])
            #expect(await !isThere(one, epoch: 1))
            await other.remove(base: "a")
            #expect(await one.answer(to: QuestionShape("q2"), scope, epochs: ["a": 1]) == nil)
        }
        try await RedisServer.run { server in
            let link = server.link()
            await RedisAnswerCache(link, store: "s").keep(answer(1), for: shape, nil, scope, epochs: ["a": 1])
            #expect(await !isThere(RedisAnswerCache(link, store: "t"), epoch: 1))
            link.close()
        }
    }

    @Test("Without its server the room goes on, counts each failure and says it once; it is used again when it is back")
    func away() async throws {
        let port = try #require(LoopbackPort.free())
        let lines = Lines()
        let logger = Logger(label: "test") { _ in lines.handler }
        var times = RedisLink.Times()
        times.rest = .zero
        let link = RedisServer(url: RedisURL(host: "127.0.0.1", port: port)).link(times, logger: logger)
        let (cache, sessions) = (RedisAnswerCache(link, store: "s"), RedisSessions(link))
        #expect(await !isThere(cache, epoch: 1))
        await cache.keep(answer(1), for: shape, nil, scope, epochs: ["a": 1])
        await cache.change(BaseChange(base: "a", previous: 1, epoch: 2, hasNew: true)) { _ in [] }
        try await sessions.append([SessionTurn(speaker: "user", text: "a")], to: "s")
        #expect(try await sessions.turns(of: "s").isEmpty)
        #expect(link.failures == 5 && lines.count == 1)
        try await RedisServer.run(on: port) { _ in
            await cache.keep(answer(1), for: shape, nil, scope, epochs: ["a": 1])
            #expect(await isThere(cache, epoch: 1))
        }
        #expect(await !isThere(cache, epoch: 1))
        #expect(lines.count == 3)
        link.close()
    }

    @Test("Any node goes on with a conversation: in order, bounded in turns, bytes and age")
    func sessions() async throws {
        try await RedisServer.run { server in
            var limits = SessionLimits()
            (limits.turns, limits.turnBytes, limits.age) = (3, 7, 100)
            let links = [server.link(), server.link()]
            let nodes = links.map { RedisSessions($0, limits) }
            for (number, text) in ["1", "2", "3", "年假五天"].enumerated() {
                try await nodes[number % 2].append([SessionTurn(speaker: "user", text: text)], to: "甲 s")
            }
            for node in nodes { #expect(try await node.turns(of: "甲 s").map(\.text) == ["2", "3", "年假"]) }
            #expect(try await nodes[0].turns(of: "s").isEmpty)
            var pipeline = RedisPipeline()
            pipeline.append(["TTL", "martlet:knowledge:session:甲 s"])
            let left = try #require(await links[0].run(pipeline)?.first?.integer)
            #expect(left > 90 && left <= 100)
            try await nodes[0].remove("甲 s")
            #expect(try await nodes[1].turns(of: "甲 s").isEmpty)
            for link in links { link.close() }
        }
    }
}

/// Another second each time that it is looked at.
private final class Clock: Sendable {
    private let time = Mutex(1e9)

    func next() -> Double {
        time.withLock { time in
            time += 1
            return time
        }
    }
}

/// Counts what is logged.
private final class Lines: Sendable {
    private struct Handler: LogHandler {
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        let lines: Lines

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.logged.add(1, ordering: .relaxed) }
    }

    private let logged = Atomic(0)

    var count: Int { logged.load(ordering: .relaxed) }
    var handler: any LogHandler { Handler(lines: self) }
}
