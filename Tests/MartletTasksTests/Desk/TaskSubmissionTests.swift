import MartletBase
import MartletWire
import Testing

@testable import MartletTasks

@Suite("Bodies of POST /tasks")
struct TaskSubmissionTests {
    private static let now: Int64 = 1_700_000_000_000

    @Test("A task with everything that can be said of one")
    func task() throws {
        let one = try TaskSubmission(
            [
                "task": "tasks.add", "args": [1], "kwargs": ["a": .null], "queue": "q", "priority": 9, "countdown": .number(1.5),
                "expires": 60, "key": "k", "key_concurrency": 2, "unique": "u", "max_retries": 3, "headers": ["x": 1], "id": "my id",
                "idempotency_key": "i", "webhook": "https://e.com",
            ], now: Self.now)
        #expect(one.name == "tasks.add" && one.arguments == [1] && one.keywordArguments == ["a": .null])
        #expect(one.eta == Self.now + 1500 && one.expires == Self.now + 60_000)
        #expect(one.keyConcurrency == 2)
        #expect((one.priority, one.maxRetries, one.key, one.unique, one.id) == (9, 3, "k", "u", "my id"))
    }

    @Test("A route becomes a task that asks it")
    func route() throws {
        let one = try TaskSubmission(
            ["route": "/v1/embeddings?x=1", "body": ["model": "m"], "headers": ["x-a": "b"]], now: Self.now)
        #expect(one.name == "martlet.request")
        #expect(
            one.keywordArguments == [
                "method": "POST", "path": "/v1/embeddings?x=1", "headers": ["x-a": "b"], "body": ["model": "m"],
            ])
    }

    @Test("What is wrong is refused, and what it is is said", arguments: [
        ([], "object"), ([:], "either"), (["task": "a", "route": "/b"], "either"), (["task": ""], "task"),
        (["task": 1], "task"), (["task": "a", "key_concurrency": 2], "key"), (["task": "a\n"], "task"), (["task": "a", "args": [:]], "args"),
        (["task": "a", "kwargs": []], "kwargs"), (["task": "a", "priority": 10], "priority"),
        (["task": "a", "priority": .number(1.5)], "priority"), (["task": "a", "eta": "soon"], "eta"),
        (["task": "a", "eta": "2030-01-01T00:00:00Z", "countdown": 1], "countdown"),
        (["task": "a", "countdown": -1], "countdown"), (["task": "a", "countdown": .number(1e300)], "countdown"),
        (["task": "a", "expires": -5], "expires"), (["task": "a", "expires": 5, "countdown": 10], "expires"),
        (["task": "a", "nonsense": 1], "nonsense"), (["task": "a", "body": 1], "body"),
        (["route": "b"], "route"), (["route": "/b", "args": []], "args"), (["route": "/b", "method": "BREW"], "method"),
        (["route": "/b", "headers": ["a": 1]], "headers"), (["task": "a", "max_retries": -1], "max_retries"),
        (["task": "a", "id": ""], "id"), (["task": "a", "queue": "q\u{0}"], "queue"),
        (["task": "a", "queue": "q.dead"], "queue"), (["task": "a", "queue": "unacked"], "queue"),
        (["task": "a", "queue": "x.reply.celery.pidbox"], "queue"), (["task": "a", "queue": "martlet.leases"], "queue"),
        (["task": "a", "headers": ["task": "martlet.request"]], "headers.task"),
    ] as [(JSONValue, String)])
    func refused(body: JSONValue, word: String) throws {
        let error = try #require(throws: MartletError.self) { try TaskSubmission(body, now: Self.now) }
        #expect(error.code == .invalidBody && error.cause.contains(word), "\(error)")
    }

    @Test("Orders to replay")
    func replay() throws {
        #expect(try ReplayOrder.read([]).ids == nil)
        let order = try ReplayOrder.read(Array(#"{"ids":["a","b"],"limit":5}"#.utf8))
        #expect(order.ids == ["a", "b"] && order.limit == 5)
        for wrong in ["[]", "x", #"{"ids":"a"}"#, #"{"ids":[1]}"#, #"{"limit":0}"#, #"{"limit":1001}"#, #"{"all":1}"#] {
            #expect(throws: MartletError.self, "\(wrong)") { try ReplayOrder.read(Array(wrong.utf8)) }
        }
    }
}
