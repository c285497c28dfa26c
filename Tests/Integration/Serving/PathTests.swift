import Foundation
import MartletTools
import Testing

/// Which of those who want a path has it, and what a client is told at once.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PathTests {
    private static let model = """
        class Model(LitAPI):
            def setup(self, device): pass
            def predict(self, x): return x
        """

    private func refusal(_ configuration: String, _ app: App) async throws -> String {
        defer { app.remove() }
        let file = app.directory.appending(path: "two.yaml")
        try Data(("listen: 127.0.0.1:0\nconsole: off\n" + configuration).utf8).write(to: file)
        let variables = Repository.withSDK.map { "\($0.key)=\($0.value)" }
        let run = try await CommandRun.tool("env", variables + [Repository.binary.path, "up", file.path])
        #expect(run.status != 0)
        return run.output
    }

    @Test func twoAppsAtOnePathAreRefusedByName() async throws {
        let app = try App(Self.model)
        let second = "  - app: \(app.file.path)\n    name: second\n    python: /usr/bin/python3\n"
        let said = try await refusal(app.configuration(more: second), app)
        #expect(said.contains("/predict") && said.contains("m (") && said.contains("second ("), "\(said)")
    }

    @Test func anAppAndARouteAtOnePathAreRefusedByName() async throws {
        let app = try App(Self.model)
        let more = """
            pools:
              other: {targets: [{url: http://127.0.0.1:1}]}
            routes:
              - {path: /predict, pool: other}
            """
        let said = try await refusal(app.configuration(more: more), app)
        #expect(said.contains("/predict") && said.contains("route `/predict`"), "\(said)")
    }

    @Test func AReloadThatBringsAConflictChangesNothing() async throws {
        try await withApp(Self.model) { martlet, app in
            let route = """
                pools: {other: {targets: [{url: http://127.0.0.1:1}], health: off}}
                routes: [{path: /predict, pool: other}]
                """
            let answer = try await martlet.tryReload(app.configuration(more: route))
            #expect(answer.status != 200 && answer.body.contains("two want the path /predict"), "\(answer)")
            try await martlet.predict("1").expect(200)
        }
    }

    @Test func RoutesOfTheConfigurationComeBeforeWhatAppsAnswerBesideTheirAPIs() async throws {
        let more = """
            pools:
              other: {targets: [{url: http://127.0.0.1:1}], health: off}
            routes:
              - {path: /health, pool: other}
              - {path: /v2/, pool: other}
            """
        try await withApp(Self.model, more: more) { martlet, _ in
            for path in ["/health", "/v2/health/live"] {
                let answer = try await martlet.get(path)
                #expect(answer.status == 502, "\(path)")
            }
            // The app is well, whatever becomes of the other pool.
            try await martlet.get("/info").expect(200)
        }
    }

    @Test func APoolThatServesTheRestLeavesAnAppWhatItAnswersBesideItsAPIs() async throws {
        let app = try App(Self.model)
        defer { app.remove() }
        let more = "pools: {other: {targets: [{url: http://127.0.0.1:1}], health: off}}\n"
        let martlet = try await MartletProcess.start(app.configuration(more: more), environment: Repository.withSDK)
        try await until("the worker to serve") { try await martlet.backend().state == "ready" }
        for path in ["/health", "/info", "/openapi.json", "/v2/health/live"] {
            #expect(try await martlet.get(path).status == 200, "\(path)")
        }
        #expect(try await martlet.get("/elsewhere").status == 502)
        await martlet.stop()
    }

    @Test func ARefusedMethodIsToldThoseOfEveryAppAtThePath() async throws {
        let source = """
            class Model(LitAPI):
                methods = ("PUT", "POST") if os.environ.get("WRITES") else ("PATCH",)
                def predict(self, x): return "written" if os.environ.get("WRITES") else "read"
            """
        let app = try App(source)
        defer { app.remove() }
        let second = """
              - app: \(app.file.path)
                name: second
                python: /usr/bin/python3
                environment: {WRITES: "1"}
            """
        let martlet = try await MartletProcess.start(app.configuration(more: second), environment: Repository.withSDK)
        do {
            try await martlet.awaitWorkers(2)
            #expect(try await martlet.ask("PATCH", "/predict", body: "1").expect(200).body == #""read""#)
            #expect(try await martlet.predict().expect(200).body == #""written""#)
            let answer = try await martlet.ask("DELETE", "/predict")
            answer.expect(405, "method_not_allowed")
            #expect(answer.header("allow") == "PATCH, PUT, POST")
        } catch {
            await martlet.stop()
            throw error
        }
        await martlet.stop()
    }

    @Test func TheAppIsWellWhateverBecomesOfOtherPools() async throws {
        let more = """
            pools:
              other: {targets: [{url: http://127.0.0.1:1}]}
            routes:
              - {path: /other, pool: other}
            """
        try await withApp(Self.model, more: more) { martlet, _ in
            try await until("the app to be well", within: .seconds(15)) {
                try await martlet.get("/health").status == 200
            }
        }
    }

    @Test func AWrongMethodIsToldAtOnceWhileEveryWorkerIsBusy() async throws {
        let source = """
            class Model(LitAPI):
                def setup(self, device): pass
                def predict(self, x): held("gate")
            """
        try await withApp(source, "queue: {length: 0}") { martlet, app in
            let busy = try await martlet.begin("1")
            try await martlet.awaitInHand(1)
            let answer = try await martlet.get("/predict")
            answer.expect(405, "method_not_allowed")
            #expect(answer.header("allow") == "POST")
            try app.open("gate")
            await busy.close()
        }
    }
}
