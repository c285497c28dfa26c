import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Apps start, are replaced and end.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AppLifeTests {
    private static func named(_ name: String) -> String {
        """
        class Named(LitAPI):
            def predict(self, x):
                time.sleep(0.002)
                return "\(name) " + os.environ.get("NAMED", "")
        """
    }

    @Test func OneThatDoesNotLoadKeepsTheStartFromHappeningAndSaysWhy() async throws {
        let app = try App("import no_such_module_at_all")
        defer { app.remove() }
        let configuration = app.directory.appending(path: "martlet.yaml")
        try ("listen: 127.0.0.1:0\nconsole: {address: 127.0.0.1:0}\n" + app.configuration())
            .write(to: configuration, atomically: true, encoding: .utf8)
        let run = try await CommandRun.martlet("up", configuration.path)
        #expect(run.status != 0)
        #expect(run.output.contains("no_such_module_at_all"), "\(run.output)")
        #expect(run.output.contains("model.py"), "\(run.output)")
    }

    @Test func OneThatDoesNotLoadLeavesTheFormerInServiceAtAReload() async throws {
        try await withApp(Self.named("former")) { martlet, app in
            let pid = try await martlet.backend().pid
            try app.write("import no_such_module_at_all")
            let answer = try await martlet.tryReload(app.configuration(["max_batch: 2"]))
            #expect(answer.status >= 400)
            #expect(answer.body.contains("no_such_module_at_all"), "\(answer.body)")
            #expect(try await martlet.predict().expect(200).body == #""former ""#)
            #expect(try await martlet.backend().pid == pid)
        }
    }

    @Test func AModelThatDoesNotLoadIsReportedWithItsTraceback() async throws {
        let source = """
            class Fails(LitAPI):
                def setup(self, device):
                    raise RuntimeError(f"no such weights for {device}")
            """
        let app = try App(source)
        defer { app.remove() }
        let martlet = try await MartletProcess.start(
            app.configuration(["restart: {backoff: 10ms, exits: 2}"]), environment: Repository.withSDK)
        do {
            try await until("it to be given up", explain: { martlet.log() }) {
                try await martlet.backend().state == "broken"
            }
            #expect(martlet.log().contains("no such weights for cpu"))
            let (answer, time) = try await timed { try await martlet.predict() }
            answer.expect(502, "no_target")
            #expect(time < .seconds(1), "nobody is to come")
        } catch {
            await martlet.stop()
            throw error
        }
        await martlet.stop()
    }

    @Test func AnotherConfigurationReplacesTheWorkersAndNoRequestFails() async throws {
        try await withApp(Self.named("m"), "workers_per_device: 2", workers: 2) { martlet, app in
            let before = try await martlet.status().backends.compactMap(\.pid)
            async let load = martlet.load {
                $0.path = "/predict"
                $0.body = "{}"
                $0.duration = .seconds(2)
            }
            for round in 1...2 {
                try await martlet.reload(
                    app.configuration(["workers_per_device: 2", "environment: {NAMED: \(round)}"]))
                try await until("the new ones to serve", explain: { martlet.log() }) {
                    try await martlet.predict().body == #""m \#(round)""#
                }
                try await martlet.awaitWorkers(2)
            }
            let seen = try await load
            // The answers of before and after differ.
            #expect(seen.failed == seen.failures[.mismatch, default: 0], "\(seen.text)")
            #expect(seen.statuses.keys.sorted() == [200], "\(seen.text)")
            #expect(seen.requests > 100)
            let after = try await martlet.status().backends.compactMap(\.pid)
            #expect(Set(before).isDisjoint(with: after))
        }
    }

    @Test func AReloadSeesAnEditInAModuleOfTheApps() async throws {
        let source = """
            import helper

            class Helped(LitAPI):
                def predict(self, x):
                    return helper.name
            """
        try await withApp(source, files: ["helper.py": "name = 'former'"]) { martlet, app in
            let pid = try await martlet.backend().pid
            try await martlet.reload(app.configuration())
            #expect(try await martlet.backend().pid == pid, "nothing has changed")
            // Of another length: by length and second Python tells whether its compiled copy is of this source.
            try "name = 'edited later'".write(
                to: app.directory.appending(path: "helper.py"), atomically: true, encoding: .utf8)
            #expect(try await martlet.predict().expect(200).body == #""former""#)
            try await martlet.reload(app.configuration())
            try await until("the new one to serve") { try await martlet.predict().body == #""edited later""# }
            try await martlet.awaitWorkers(1)
        }
    }

    @Test func ModulesNamedLikePythonsOwnOrTheSDKBreakNoWorker() async throws {
        let wrong = "raise RuntimeError('not the one')"
        let files = ["martlet.py": wrong, "json.py": wrong, "types.py": wrong]
        try await withApp(Self.named("m"), "directory: '{dir}'", files: files) { martlet, _ in
            let answer = try await martlet.predict()
            #expect(answer.expect(200).body == #""m ""#)
        }
    }

    @Test func LimitsHoldForTheOneThatSaysWhatThereIsToo() async throws {
        let source = """
            import resource

            note("files", resource.getrlimit(resource.RLIMIT_NOFILE)[0])

            class Limited(LitAPI):
                def predict(self, x):
                    return x
            """
        try await withApp(source, "limits: {open_files: 64}") { _, app in
            #expect(app.notes == ["files 64", "files 64"])
        }
    }

    @Test func WhatAsksForTheHeadAloneIsToldTheLengthOfTheBody() async throws {
        let source = """
            def app(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
                return [b"" if environ["REQUEST_METHOD"] == "HEAD" else b"hello"]
            """
        try await withApp(source) { martlet, _ in
            let head = try await martlet.ask("HEAD", "/x")
            #expect(head.expect(200).header("content-length") == "5")
            #expect(head.body.isEmpty)
            #expect(try await martlet.get("/x").expect(200).body == "hello")
        }
    }

    @Test func WhileNewWorkersLoadTheFormerOnesServe() async throws {
        let source = """
            class Loads(LitAPI):
                def setup(self, device):
                    if os.environ.get("SLOW"):
                        note("loading")
                        held("loaded")

                def predict(self, x):
                    return os.environ.get("SLOW", "quick")
            """
        try await withApp(source) { martlet, app in
            try await martlet.reload(app.configuration(["environment: {SLOW: slow}"]))
            try await app.awaitNote("loading")
            let (answer, time) = try await timed { try await martlet.predict() }
            #expect(answer.body == #""quick""#)
            #expect(time < .milliseconds(500))
            try app.open("loaded")
            try await until("the new one to serve") { try await martlet.predict().body == #""slow""# }
            try await martlet.awaitWorkers(1)
        }
    }

    @Test func ToldToEndItAnswersThoseWhoAreWaiting() async throws {
        let source = """
            class Held(LitAPI):
                def predict(self, x):
                    note("begun")
                    held("gate")
                    return "answered"
            """
        let app = try App(source)
        defer { app.remove() }
        let martlet = try await MartletProcess.start(app.configuration(), environment: Repository.withSDK)
        do {
            try await martlet.awaitWorkers(1)
            let worker = try #require(try await martlet.backend().pid)
            let client = try await martlet.begin()
            try await app.awaitNote("begun")
            kill(martlet.processID, SIGTERM)
            try await until("it to drain") { martlet.log().contains("drain") }
            try app.open("gate")
            let answer = try await client.answer(to: "POST")
            #expect(answer.status == 200 && answer.body == #""answered""#)
            await client.close()
            try await until("the process to end") { !martlet.isRunning }
            #expect(martlet.exitStatus == 0)
            try await until("its worker to be gone") { !ProcessFiles.lives(worker) }
        } catch {
            await martlet.stop()
            throw error
        }
        await martlet.stop()
    }
}
