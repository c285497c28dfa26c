@testable import Martlet
import MartletBase
import MartletConsole
import MartletExchange
import MartletLogic
import MartletNet
import MartletTasks
import MartletWire
import NIOCore
import Testing


@Suite("What the endpoints of tasks read")
struct TaskEndpointTests {
    private func request(
        _ path: String, query: String = "", _ fields: [(String, String)] = [], body: ByteBuffer = ByteBuffer()
    ) -> LocalRequest {
        var headers = HeaderBlock()
        for (name, value) in fields { headers.append(name, value) }
        return LocalRequest(
            method: .post, path: path, query: query, headers: headers, body: body, clientAddress: "10.0.0.1")
    }

    @Test("Queries are decoded, and what nobody knows is refused")
    func queries() throws {
        let query = try RequestQuery(
            request("/", query: "name=a%2Fb+c&limit=7&wait=30s&flag=true&empty="),
            knows: ["name", "limit", "wait", "flag", "empty"])
        #expect(query.text("name") == "a/b c" && query.text("empty") == nil)
        #expect(try query.count("limit", in: 1...10, or: 5) == 7)
        #expect(try query.count("name2", in: 1...10, or: 5) == 5)
        #expect(try query.duration("wait", upTo: .seconds(10)) == .seconds(10))
        #expect(try query.flag("flag", or: false))
        for wrong in ["a=1&a=2", "b=1", "a=%zz", "a=%ff"] {
            #expect(throws: MartletError.self, "\(wrong)") {
                _ = try RequestQuery(request("/", query: wrong), knows: ["a"])
            }
        }
        #expect(throws: MartletError.self) { try query.count("limit", in: 8...10, or: 9) }
    }

    @Test("Which tasks are meant is read alike everywhere: states in any case, times as numbers, a wrong time refused")
    func filters() throws {
        let known: Set = ["state", "name", "queue", "worker", "search", "since", "until"]
        let query = "state=pending&name=a&queue=q&worker=w&search=x&since=2026-11-22T08:00:00Z&until="
        let filter = try RequestQuery(request("/", query: query), knows: known).taskFilter()
        var expected = TaskFilter(state: "PENDING", name: "a", queue: "q", worker: "w")
        (expected.text, expected.from) = ("x", 1_795_334_400)
        #expect(filter == expected)
        #expect(throws: MartletError.self) {
            try RequestQuery(request("/", query: "since=then"), knows: known).taskFilter()
        }
    }

    @Test("Names in paths are decoded after the path is parted")
    func parts() throws {
        #expect(try request("/queues/a%2Fb/dead").parts(after: "/queues") == ["a/b", "dead"])
        #expect(try request("/queues").parts(after: "/queues") == [])
        #expect(throws: MartletError.self) { try request("/queues/%ff").parts(after: "/queues") }
    }

    @Test("A request that is asked again later keeps its body byte for byte, and no secret")
    func later() {
        let body = #"{ "temperature": .number(1.0) , "n": 12345678901234567890 }"#
        let submission = AsyncRequest.submission(
            of: request(
                "/v1/chat/completions", query: "a=b",
                [
                    ("Host", "h"), ("Authorization", "Bearer x"), ("X-Api-Key", "y"), ("Cookie", "z"),
                    ("Content-Type", "application/json"), ("X-Mine", "1"), ("X-Mine", "2"), ("Content-Length", "9"),
                    ("Prefer", "respond-async"), ("Idempotency-Key", "k"), ("X-Forwarded-For", "10.0.0.1"),
                ], body: ByteBuffer(string: body)))
        #expect(
            submission.keywordArguments == [
                "method": "POST", "path": "/v1/chat/completions?a=b", "body_text": .string(body),
                "headers": ["content-type": "application/json", "x-mine": "1, 2"],
            ])
        let binary = AsyncRequest.submission(of: request("/", body: ByteBuffer(bytes: [0xff, 0x00])))
        #expect(binary.keywordArguments["body_base64"] == "/wA=")
    }

    @Test("Who asks, the connection's own and what the question wished do not travel along later", arguments: [
        "Authorization", "Proxy-Authorization", "Cookie", "X-API-Key", "Api-Key",
        "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "TE", "Trailer", "Upgrade",
        "HTTP2-Settings", "Proxy-Authenticate", "Content-Length", "Expect", "Host", "Accept-Encoding",
        "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-IP",
        "Prefer", "Idempotency-Key", "X-Request-ID", "X-Request-Timeout", "X-Request-Priority",
    ])
    func headerRules(name: String) {
        for spelling in [name, name.lowercased(), name.uppercased()] {
            let submission = AsyncRequest.submission(of: request("/", [(spelling, "v"), ("Accept", "a"), ("X-B", "c")]))
            #expect(submission.keywordArguments["headers"] == ["accept": "a", "x-b": "c"], "\(spelling)")
        }
    }

    @Test("Queues of a label selector")
    func selectors() throws {
        #expect(try ExternalMetricsEndpoint.queues("queue=a") == ["a"])
        #expect(try ExternalMetricsEndpoint.queues("queue==a") == ["a"])
        #expect(try ExternalMetricsEndpoint.queues("queue in (a, b)") == ["a", "b"])
        for wrong in ["", "queue", "other=a", "queue!=a", "queue in ()", "queue="] {
            #expect(throws: MartletError.self, "\(wrong)") { try ExternalMetricsEndpoint.queues(wrong) }
        }
    }

    @Test("Webhooks reach no private address, however it is written", arguments: [
        ("127.0.0.1", true), ("10.1.2.3", true), ("169.254.169.254", true), ("192.168.1.1", true), ("0.0.0.0", true),
        ("172.20.0.1", true), ("100.64.0.1", true), ("255.255.255.255", true), ("::1", true), ("::", true),
        ("fe80::1", true), ("fd00::1", true), ("::ffff:127.0.0.1", true), ("::ffff:10.0.0.1", true), ("ff02::1", true),
        ("8.8.8.8", false), ("172.32.0.1", false), ("2606:4700::1111", false), ("::ffff:8.8.8.8", false),
    ])
    func privateAddresses(text: String, isPrivate: Bool) throws {
        #expect(PrivateAddress.isPrivate(try SocketAddress(ipAddress: text, port: 80)) == isPrivate)
    }

    /// The known answer is the one of Standard Webhooks' own libraries.
    @Test("A webhook carries its id and its time, and a signature of both and the body", arguments: [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ("a text", "v1,xUe3ssjyFH/OunBDc/0Xrz/KFMOIHrZmlcspoiSzJXQ="),
    ])
    func webhookHeaders(secret: String, signature: String) {
        let message = WebhookMessage(id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: #"{"test": 2432232314}"#)
        let headers = WebhookHeaders.of(message, secret: Secret(secret), now: 1_614_265_330)
        #expect(headers.map(\.name) == ["Content-Type", "webhook-id", "webhook-timestamp", "webhook-signature"])
        #expect(headers.dropFirst().map(\.value) == [message.id, "1614265330", signature])
        #expect(WebhookHeaders.of(message, secret: nil, now: 1).count == 3)
    }

    @Test("Orders of the command line become what POST /tasks takes")
    func orders() throws {
        var order = TaskOrder(target: "tasks.add")
        order.arguments = ["1", "two", "[3]"]
        order.keywordArguments = ["x=4", "y=a=b"]
        order.countdown = 2
        #expect(
            try order.json() == [
                "task": "tasks.add", "args": [1, "two", [3]], "kwargs": ["x": 4, "y": "a=b"], "countdown": .number(2),
            ])
        var route = TaskOrder(target: "/v1/embeddings")
        route.body = #"{"a":1}"#
        #expect(try route.json() == ["route": "/v1/embeddings", "body": ["a": 1]])
        route.body = "{"
        #expect(throws: TaskMistake.self) { try route.json() }
        order.keywordArguments = ["=4"]
        #expect(throws: TaskMistake.self) { try order.json() }
    }
}
