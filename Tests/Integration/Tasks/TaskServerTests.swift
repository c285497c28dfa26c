import Foundation
import Glibc
import MartletTools
import Testing

/// Tasks over HTTP, with the broker inside the server and with its own worker for requests.
@Suite("Tasks over HTTP")
struct TaskServerTests {
    private static let tasks = "tasks: {broker: {listen: 127.0.0.1:0, store: {dir}/tasks}}"

    private func withServer(
        _ more: String = "", environment: [String: String] = [:], _ body: (MartletProcess) async throws -> Void
    ) async throws {
        let martlet = try await MartletProcess.start(Self.tasks + "\n" + more, environment: environment)
        do {
            try await body(martlet)
            await martlet.stop()
        } catch {
            await martlet.stop()
            throw error
        }
    }

    private func submit(
        _ body: String, _ martlet: MartletProcess, headers: [String] = []
    ) async throws -> Answer {
        try await Client.ask(
            "POST", "/tasks", port: martlet.publicPort, headers: ["Content-Type: application/json"] + headers,
            body: body)
    }

    private func id(_ answer: Answer) throws -> String { try #require(answer.json["id"] as? String) }

    @Test("A task is handed in, found, listed, called off; its queue shows it")
    func life() async throws {
        try await withServer { martlet in
            let answer = try await submit(#"{"task":"tasks.add","args":[1,2],"queue":"q"}"#, martlet).expect(202)
            let id = try id(answer)
            #expect(answer.header("location") == "/tasks/\(id)")
            let task = try await Client.ask("GET", "/tasks/\(id)", port: martlet.publicPort).expect(200)
            #expect(task.json["state"] as? String == "PENDING" && task.json["name"] as? String == "tasks.add")
            let list = try await Client.ask("GET", "/tasks?state=PENDING&queue=q", port: martlet.publicPort)
            #expect(list.expect(200).body.contains(id))
            let queues = try await Client.ask("GET", "/queues", port: martlet.publicPort).expect(200)
            #expect(queues.body.contains(#""name":"q""#) && queues.body.contains(#""waiting":1"#))
            let scale = try await Client.ask("GET", "/autoscale?queue=q", port: martlet.publicPort).expect(200)
            #expect(scale.json["waiting"] as? Int == 1 && scale.json["desired"] as? Int == 1)
            let metric = try await Client.ask(
                "GET",
                "/apis/external.metrics.k8s.io/v1beta1/namespaces/x/task_queue_waiting?labelSelector=queue%3Dq",
                port: martlet.publicPort
            ).expect(200)
            #expect(metric.json["kind"] as? String == "ExternalMetricValueList")
            let cancel = try await Client.ask("DELETE", "/tasks/\(id)", port: martlet.publicPort).expect(200)
            #expect(cancel.json["cancel"] as? String == "revoked")
            let end = try await Client.ask("GET", "/tasks/\(id)?wait=5s", port: martlet.publicPort).expect(200)
            #expect(end.json["state"] as? String == "REVOKED" && end.json["ready"] as? Bool == true)
        }
    }

    @Test("Mistakes have the status and the code that clients know")
    func mistakes() async throws {
        try await withServer { martlet in
            try await submit("{", martlet).expect(400, "invalid_body")
            try await submit(#"{"task":"a","nonsense":1}"#, martlet).expect(400, "invalid_body")
            try await Client.ask("GET", "/tasks/nobody", port: martlet.publicPort).expect(404, "not_found")
            try await Client.ask("PUT", "/tasks", port: martlet.publicPort).expect(405, "method_not_allowed")
            try await Client.ask("GET", "/tasks?limit=0", port: martlet.publicPort).expect(400, "bad_request")
            try await Client.ask("GET", "/tasks?nonsense=1", port: martlet.publicPort).expect(400, "bad_request")
            try await Client.ask("GET", "/autoscale", port: martlet.publicPort).expect(400, "bad_request")
            try await submit(#"{"task":"a"}"#, martlet, headers: ["Origin: https://elsewhere.example"]).expect(401)
            let text = try await Client.ask(
                "POST", "/tasks", port: martlet.publicPort, headers: ["Content-Type: text/plain"], body: #"{"task":"a"}"#)
            text.expect(400, "bad_request")
        }
    }

    @Test("The server's key is asked for where there is one")
    func key() async throws {
        try await withServer(environment: ["LIT_SERVER_API_KEY": "secret"]) { martlet in
            try await submit(#"{"task":"a"}"#, martlet).expect(401, "unauthorized")
            try await submit(#"{"task":"a"}"#, martlet, headers: ["X-API-Key: secret"]).expect(202)
            try await Client.ask("GET", "/queues", port: martlet.publicPort).expect(401, "unauthorized")
        }
    }

    @Test("The same Idempotency-Key is the same task, also after the server was killed")
    func idempotency() async throws {
        try await withServer { martlet in
            let headers = ["Idempotency-Key: order-7"]
            let first = try await submit(#"{"task":"a","queue":"q"}"#, martlet, headers: headers).expect(202)
            kill(try martlet.servingID, SIGKILL)
            try await until("the server to be back", within: .seconds(10)) {
                (try? await Client.ask("GET", "/queues/q", port: martlet.publicPort).status) == 200
            }
            let second = try await submit(#"{"task":"a","queue":"q"}"#, martlet, headers: headers).expect(200)
            #expect(try id(first) == id(second) && second.json["duplicate"] as? Bool == true)
            try await submit(#"{"task":"b","queue":"q"}"#, martlet, headers: headers).expect(400, "bad_request")
            let queue = try await Client.ask("GET", "/queues/q", port: martlet.publicPort).expect(200)
            #expect(queue.json["waiting"] as? Int == 1)
        }
    }

    // MARK: Later

    @Test("A request that may be answered later becomes a task, whose result is the model's answer")
    func later() async throws {
        try await withMocks(1) { mocks in
            try await withServer(onePool(mocks.targets())) { martlet in
                let body = #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#
                let answer = try await Client.ask(
                    "POST", "/v1/chat/completions", port: martlet.publicPort,
                    headers: ["Content-Type: application/json", "Prefer: wait=5, Respond-Async"], body: body)
                answer.expect(202)
                #expect(answer.header("preference-applied") == "respond-async")
                let place = try #require(answer.header("location"))
                let task = try await Client.ask("GET", "\(place)?wait=10s", port: martlet.publicPort).expect(200)
                #expect(task.json["state"] as? String == "SUCCESS", "\(task.body)")
                let result = try #require(task.json["result"] as? [String: Any])
                #expect(result["status"] as? Int == 200 && (result["body"] as? [String: Any])?["choices"] != nil)
                #expect(mocks[0].chats == 1)
                // Without the wish it is answered at once.
                try await Client.ask(
                    "POST", "/v1/chat/completions", port: martlet.publicPort,
                    headers: ["Content-Type: application/json", "Prefer: return=minimal"], body: body
                ).expect(200)
                let route = try await submit(
                    #"{"route":"/v1/chat/completions","body":\#(body)}"#, martlet).expect(202)
                let other = try await Client.ask(
                    "GET", "/tasks/\(id(route))?wait=10s", port: martlet.publicPort)
                #expect(other.json["state"] as? String == "SUCCESS", "\(other.body)")
            }
        }
    }

    @Test("Without tasks the wish for a later answer changes nothing")
    func notLater() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, _ in
            try await Client.ask(
                "POST", "/v1/chat/completions", port: martlet.publicPort,
                headers: ["Content-Type: application/json", "Prefer: respond-async"],
                body: #"{"model":"m","messages":[]}"#
            ).expect(200)
        }
    }

    @Test("The events of a task tell its states and end with its result")
    func events() async throws {
        try await withMocks(1) { mocks in
            try await withServer(onePool(mocks.targets())) { martlet in
                let answer = try await submit(
                    #"{"route":"/v1/chat/completions","body":{"model":"m","messages":[]},"countdown":1}"#, martlet)
                let stream = try await Client.ask(
                    "GET", "/tasks/\(id(answer.expect(202)))", port: martlet.publicPort,
                    headers: ["Accept: text/event-stream"], within: .seconds(20)
                ).expect(200)
                #expect(stream.header("content-type")?.hasPrefix("text/event-stream") == true)
                let events = stream.events
                #expect(events.first?.contains(#""state":"PENDING""#) == true, "\(stream.body)")
                #expect(stream.body.contains("event: result\n") && events.last?.contains("SUCCESS") == true)
            }
        }
    }

    // MARK: The door

    private static let model = """
        class Model(LitAPI):
            def setup(self, device): pass
            def predict(self, x):
                note("asked")
                return x
        class Closed(Model):
            def authorize(self, request=None): return True
        server = LitServer([Model(api_path="/predict"), Closed(api_path="/closed")])
        """

    @Test("What is queued shows the key that is asked for at once; what asks for more is not queued")
    func door() async throws {
        let app = try App(Self.model)
        defer { app.remove() }
        let environment = Repository.withSDK.merging(["LIT_SERVER_API_KEY": "sesame"]) { $1 }
        try await withServer(app.configuration(), environment: environment) { martlet in
            try await martlet.awaitWorkers(2)
            let (later, key) = ("Prefer: respond-async", "X-API-Key: sesame")
            try await martlet.predict("1", headers: [later]).expect(401)
            try await martlet.predict("1", headers: [later, "X-API-Key: no"]).expect(401)
            try await submit(#"{"route":"/predict","body":1}"#, martlet).expect(401)
            try await submit(#"{"route":"/closed","body":1}"#, martlet, headers: [key]).expect(400, "bad_request")
            #expect(app.notes.isEmpty)
            try await martlet.predict("1", path: "/closed", headers: [later, key]).expect(200)
            let answer = try await martlet.predict("1", headers: [later, key]).expect(202)
            let task = try await Client.ask(
                "GET", "/tasks/\(try id(answer))?wait=10s", port: martlet.publicPort, headers: [key])
            #expect(task.json["state"] as? String == "SUCCESS", "\(task.body)")
        }
    }

    @Test("Without a key tasks are told to no name that a page could have made up")
    func rebinding() async throws {
        try await withServer { martlet in
            try await Client.ask(
                "GET", "/tasks", port: martlet.publicPort, headers: ["Host: elsewhere.example"]
            ).expect(401, "unauthorized")
            try await Client.ask(
                "GET", "/tasks", port: martlet.publicPort, headers: ["Host: localhost:\(martlet.publicPort)"]
            ).expect(200)
        }
    }

    // MARK: The console and the command line

    @Test("The console has the page of tasks, which other pages cannot drive")
    func console() async throws {
        try await withServer { martlet in
            let page = try await Client.ask("GET", "/tasks", port: martlet.consolePort).expect(200)
            #expect(page.header("content-security-policy")?.contains("default-src 'none'") == true)
            let answer = try await submit(#"{"task":"a","queue":"q"}"#, martlet).expect(202)
            let id = try id(answer)
            let overview = try await Client.ask("GET", "/tasks/overview", port: martlet.consolePort).expect(200)
            #expect(overview.body.contains(#""queues""#))
            let own = "Origin: http://localhost:\(martlet.consolePort)"
            let host = "Host: localhost:\(martlet.consolePort)"
            let json = "Content-Type: application/json"
            let cancel = #"{"id":"\#(id)"}"#
            for headers in [
                [host, json, "Origin: https://elsewhere.example"], [host, "Content-Type: text/plain", own],
                [host, json, "Sec-Fetch-Site: cross-site"], ["Host: elsewhere.example", json],
            ] {
                let refused = try await Client.ask(
                    "POST", "/tasks/cancel", port: martlet.consolePort, headers: headers, body: cancel)
                #expect([400, 401].contains(refused.status), "\(headers): \(refused.status)")
            }
            #expect(try await Client.ask("GET", "/tasks/\(id)", port: martlet.publicPort).json["state"] as? String
                == "PENDING")
            try await Client.ask(
                "POST", "/tasks/cancel", port: martlet.consolePort, headers: [host, json, own], body: cancel
            ).expect(200)
            #expect(try await Client.ask("GET", "/tasks/\(id)", port: martlet.publicPort).json["state"] as? String
                == "REVOKED")
        }
    }

    @Test("The command line hands tasks in, lists them and calls them off")
    func commandLine() async throws {
        try await withServer { martlet in
            let server = "http://127.0.0.1:\(martlet.publicPort)"
            func run(_ words: String...) async throws -> String {
                let result = try await CommandRun.tool(
                    try Repository.binary.path, ["task"] + words + ["--server", server])
                #expect(result.status == 0, "\(result.output)")
                return result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            let id = try await run("submit", "tasks.add", "1", "two", "--kwarg", "x=[3]", "--queue", "q")
            #expect(try await run("list", "--state", "PENDING", "--queue", "q").contains(id))
            #expect(try await run("get", id).contains("state: PENDING"))
            #expect(try await run("cancel", id).hasPrefix("revoked"))
            #expect(try await run("get", id, "--json").contains(#""state":"REVOKED""#))
            #expect(try await run("replay", "q") == "0 went back to q")
        }
    }
}
