@testable import Martlet
import MartletBase
import MartletExchange
import MartletNet
import MartletTasks
import MartletTesting
import MartletWire
import NIOCore
import Testing

@Suite("Who may have a route asked by a task")
struct RequestDoorTests {
    private let door: RequestDoor

    init() throws {
        let routes = RoutesInForce()
        func route(_ path: String, _ later: LaterRule, key: Secret? = nil) throws -> Route {
            Route(
                index: 0, path: path, destination: .pool(try .fake(path, count: 1, now: .current)), bodyLimit: 1 << 20,
                isExact: true, key: key, later: later)
        }
        routes.adopt(
            [
                try route("/open", .asServed), try route("/guarded", .asServed, key: Secret("sesame")),
                try route("/worker", .shownKey(Secret("sesame"))), try route("/own", .never),
            ],
            inner: [try route("/-/tasks", .asServed)], own: [])
        door = RequestDoor(routes: routes)
    }

    private func admit(
        _ path: String, shown: String? = nil, stated: [String: JSONValue] = [:]
    ) throws -> TaskSubmission {
        var submission = TaskSubmission(name: TaskSubmission.requestTask)
        submission.keywordArguments = ["method": "POST", "path": .string(path), "headers": .object(stated)]
        return try door.admit(
            submission, from: .fake(.post, "/tasks", "{}", shown.map { [("X-API-Key", $0)] } ?? []))
    }

    @Test("The key of the route is asked for, whether Martlet or its workers do so at once", arguments: [
        "/guarded", "/worker", "/worker?x=1",
    ])
    func key(path: String) throws {
        for wrong in [nil, "sesam"] {
            #expect(throws: MartletError.self) { try admit(path, shown: wrong) }
        }
        _ = try admit(path, shown: "sesame")
        let stated = try admit(path, stated: ["x-api-key": "sesame", "cookie": "c", "x-a": "b"])
        #expect(stated.keywordArguments["headers"] == ["x-a": "b"], "no key lies in a queue")
        _ = try admit("/open")
    }

    @Test("Headers of a route are held to the rules of a request that is asked later", arguments: [
        "Authorization", "COOKIE", "proxy-authorization", "Connection", "Transfer-Encoding", "Host", "X-Forwarded-For",
    ])
    func headerRules(name: String) throws {
        let submission = try admit("/open", stated: [name: "v", "X-Mine": "1"])
        #expect(submission.keywordArguments["headers"] == ["X-Mine": "1"])
    }

    @Test("By place the path counts as well")
    func byPlace() throws {
        var submission = TaskSubmission(name: TaskSubmission.requestTask)
        submission.arguments = ["/worker"]
        #expect(throws: MartletError.self) { try door.admit(submission, from: .fake(.post, "/tasks", "{}")) }
    }

    @Test("Where workers have rules of their own, where nothing is, and inside this server no task can ask", arguments: [
        ("/own", ErrorCode.badRequest), ("/nothing", .notFound), ("/-/tasks", .notFound),
    ])
    func never(path: String, code: ErrorCode) throws {
        let error = try #require(throws: MartletError.self) { try admit(path, shown: "sesame") }
        #expect(error.code == code)
    }

    @Test("Tasks on an address that others reach need a key or certificates")
    func openTasks() throws {
        let keyed = ["LIT_SERVER_API_KEY": "k"]
        let local = try decoded("tasks: {}\n")
        try OpenTasks.check(local, environment: [:])
        let open = try decoded("listen: 0.0.0.0:8080\ntasks: {}\n")
        #expect(throws: OpenTasks.self) { try OpenTasks.check(open, environment: [:]) }
        try OpenTasks.check(open, environment: keyed)
        try OpenTasks.check(try decoded("listen: 0.0.0.0:8080\n" + onePool), environment: [:])
    }
}
