import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Workers hang, leak, are too few or too many, and are told to end.
@Suite(.serialized, .timeLimit(.minutes(1))) struct WorkerLifeTests {
    // MARK: Hung ones

    @Test func AnEventLoopThatHangsIsReplaced() async throws {
        let source = """
            class Hangs(LitAPI):
                enable_async = True

                async def predict(self, x):
                    note("begun")
                    if x.get("hang"):
                        held("never")
                    return "served"
            """
        try await withApp(source, "timeout: 1s", "kill_after: 200ms") { martlet, app in
            let pid = try #require(try await martlet.backend().pid)
            let hanging = try await martlet.predict(#"{"hang": true}"#)
            hanging.expect(504)
            try await martlet.awaitReplacement(of: pid)
            #expect(try await martlet.predict().expect(200).body == #""served""#)
        }
    }

    @Test func OneThatServesOthersIsNotReplacedForACoroutineThatDoesNotEnd() async throws {
        let source = """
            import asyncio

            class Stubborn(LitAPI):
                enable_async = True

                async def predict(self, x):
                    note("begun")
                    while x.get("stay"):
                        try:
                            await asyncio.sleep(60)
                        except asyncio.CancelledError:
                            note("went on")
                    return "served"
            """
        try await withApp(source, "timeout: 1s", "kill_after: 500ms") { martlet, app in
            let pid = try #require(try await martlet.backend().pid)
            try await martlet.predict(#"{"stay": true}"#).expect(504)
            try await app.awaitNote("went on")
            // Four times as long as it may go on with it in vain.
            for _ in 0..<100 {
                try await martlet.predict().expect(200)
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try await martlet.backend().pid == pid)
        }
    }

    // MARK: Ends

    @Test func ToldToEndAnApplicationTidiesUp() async throws {
        let source = """
            async def app(scope, receive, send):
                if scope["type"] == "lifespan":
                    while True:
                        message = await receive()
                        note(message["type"])
                        await send({"type": message["type"] + ".complete"})
                        if message["type"] == "lifespan.shutdown":
                            return
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"served"})
            """
        try await endsWith(["lifespan.startup", "lifespan.shutdown"], source, app: ":app")
    }

    @Test func ToldToEndAServerCallsBack() async throws {
        let source = """
            from martlet import Callback

            class Notes(Callback):
                def on_server_end(self, *args, **kwargs):
                    note("ended")

            class Served(LitAPI):
                def predict(self, x):
                    note("served")
                    return x

            server = LitServer(Served(), callbacks=[Notes()])
            """
        try await endsWith(["served", "ended"], source, app: "")
    }

    private func endsWith(_ notes: [String], _ source: String, app suffix: String) async throws {
        let app = try App(source)
        defer { app.remove() }
        let martlet = try await MartletProcess.start(
            app.configuration(["app: \(app.file.path)\(suffix)"]), environment: Repository.withSDK)
        do {
            try await martlet.awaitWorkers(1)
            _ = try await martlet.predict()
            kill(martlet.processID, SIGTERM)
            let (_, time) = try await timed { try await until("it to end") { !martlet.isRunning } }
            #expect(app.notes == notes)
            #expect(time < .seconds(2), "it leaves by itself, within its grace")
        } catch {
            await martlet.stop()
            throw error
        }
        await martlet.stop()
    }

    // MARK: Worn ones

    @Test func OneThatLeaksDescriptorsIsReplacedBeforeItHasNoneAndNoRequestFails() async throws {
        let source = """
            class Leaks(LitAPI):
                def setup(self, device):
                    self.kept = []

                def predict(self, x):
                    self.kept.append(os.open("/dev/null", os.O_RDONLY))
                    time.sleep(0.004)
                    return 1
            """
        try await withApp(source, "limits: {open_files: 1024}") { martlet, app in
            let pid = try #require(try await martlet.backend().pid)
            let seen = try await martlet.load {
                $0.path = "/predict"
                $0.body = "{}"
                $0.duration = .seconds(10)
            }
            #expect(seen.failed == 0 && seen.statuses.keys.sorted() == [200], "\(seen.text)")
            // One that has none left answers with an error.
            try await martlet.awaitReplacement(of: pid)
            let metrics = try await martlet.metrics()
            #expect(metrics.sum("martlet_workers_recycled_total", ["pool": "m", "reason": "descriptors"]) >= 1)
            #expect(metrics.sum("martlet_worker_descriptors", ["pool": "m", "worker": "0"]) > 3)
            try await until("it to be logged") { martlet.log().contains("worker is recycled") }
        }
    }

    @Test func OneThatIsSpentGivesWayToTheEditedCodeWhereNoOtherServes() async throws {
        func source(_ name: String) -> String {
            """
            class Leaks(LitAPI):
                def setup(self, device):
                    self.kept = []

                def predict(self, x):
                    self.kept += [os.open("/dev/null", os.O_RDONLY) for _ in range(x.get("leaks", 0))]
                    return "\(name)"
            """
        }
        try await withApp(source("former"), "limits: {open_files: 256}") { martlet, app in
            try app.write(source("edited"))
            // Too fast for a trend: it is found when it is near its limit.
            for _ in 0..<7 where !martlet.log().contains("worker is recycled") {
                #expect(try await martlet.predict(#"{"leaks": 30}"#).expect(200).body == #""former""#)
                try await Task.sleep(for: .milliseconds(250))
            }
            #expect(martlet.log().contains("worker is recycled"))
            #expect(try await martlet.predict().expect(200).body == #""edited""#)
            try await martlet.awaitWorkers(1)
        }
    }

    @Test func AfterSoManyRequestsAnotherWorkerTakesItsPlace() async throws {
        let source = """
            class Counts(LitAPI):
                def predict(self, x):
                    time.sleep(0.002)
                    return 1
            """
        try await withApp(source, "recycle: {requests: 200}", "workers_per_device: 2", workers: 2) { martlet, _ in
            let before = try await martlet.status().backends.compactMap(\.pid)
            let seen = try await martlet.load {
                $0.path = "/predict"
                $0.body = "{}"
                $0.duration = .seconds(3)
            }
            #expect(seen.failed == 0 && seen.statuses.keys.sorted() == [200], "\(seen.text)")
            try await until("both to be replaced", within: .seconds(10)) {
                let backends = try await martlet.status().backends
                return backends.count == 2 && Set(before).isDisjoint(with: backends.compactMap(\.pid))
                    && backends.allSatisfy { $0.state == "ready" }
            }
        }
    }

    // MARK: Too few and too many

    @Test func WhileRequestsWaitThereAreMoreWorkersAndAfterwardsFewer() async throws {
        let source = """
            class Slow(LitAPI):
                def predict(self, x):
                    time.sleep(0.1)
                    return 1
            """
        try await withApp(
            source, "scale: {max: 3, wait: 200ms, sustained: 1s, idle: 2s, cooldown: 1s}"
        ) { martlet, _ in
            async let load = martlet.load {
                $0.path = "/predict"
                $0.body = "{}"
                $0.connections = 16
                $0.duration = .seconds(8)
            }
            try await until("three to serve", within: .seconds(10), explain: { martlet.log() }) {
                try await martlet.metrics().sum("martlet_workers", ["pool": "m", "state": "ready"]) == 3
            }
            let seen = try await load
            #expect(seen.failed == 0 && seen.statuses.keys.sorted() == [200], "\(seen.text)")
            try await until("one to be left", within: .seconds(20), explain: { martlet.log() }) {
                try await martlet.status().backends.count == 1
            }
            try await martlet.predict().expect(200)
        }
    }

    @Test func WhereThereMayBeNoneTheFirstRequestBringsOneAndWaitsForIt() async throws {
        let source = """
            class Rests(LitAPI):
                def setup(self, device):
                    note("loaded")

                def predict(self, x):
                    return 1
            """
        let app = try App(source)
        defer { app.remove() }
        let keys = ["scale: {min: 0, max: 2, idle: 1s, cooldown: 1s}", "restart: {backoff: 10ms, exits: 2}"]
        let martlet = try await MartletProcess.start(app.configuration(keys), environment: Repository.withSDK)
        do {
            #expect(try await martlet.get("/health").status == 200, "it can serve, should anybody ask")
            #expect(try await martlet.status().backends.isEmpty && app.notes.isEmpty)
            for round in 1...2 {
                let (answers, time) = try await timed {
                    try await withThrowingTaskGroup { group in
                        for _ in 0..<4 { group.addTask { try await martlet.predict().status } }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                }
                #expect(answers == [200, 200, 200, 200] && time < .seconds(5))
                #expect(app.notes.count == round)
                try await until("it to rest again", within: .seconds(10), explain: { martlet.log() }) {
                    try await martlet.status().backends.isEmpty
                }
                #expect(try await martlet.get("/health").status == 200)
            }
            try app.write("import no_such_module_at_all")
            let lost = try await martlet.predict(within: .seconds(40))
            lost.expect(502, "no_target")
            #expect(try await martlet.get("/health").status == 503)
        } catch {
            await martlet.stop()
            throw error
        }
        await martlet.stop()
    }

    // MARK: Whom they run as, and what they say

    @Test(.enabled(if: geteuid() == 0)) func AWorkerRunsAsTheUserThatIsNamed() async throws {
        let source = """
            class Who(LitAPI):
                def predict(self, x):
                    import pwd
                    user = pwd.getpwnam("nobody")
                    ids = os.getresuid() + os.getresgid()
                    return ids == (user.pw_uid,) * 3 + (user.pw_gid,) * 3 and os.environ["HOME"] == user.pw_dir
            """
        try await withApp(source, "user: nobody") { martlet, _ in
            let answer = try await martlet.predict().expect(200)
            #expect(answer.body == "true")
        }
    }

    @Test func AUserWhoIsNotThereIsRefusedAtTheStart() async throws {
        let app = try App("class One(LitAPI):\n    def predict(self, x):\n        return 1\n")
        defer { app.remove() }
        let configuration = app.directory.appending(path: "martlet.yaml")
        try ("listen: 127.0.0.1:0\nconsole: {address: 127.0.0.1:0}\n"
            + app.configuration(["user: no-such-user"])).write(to: configuration, atomically: true, encoding: .utf8)
        let run = try await CommandRun.martlet("up", configuration.path)
        #expect(run.status != 0)
        #expect(run.output.contains("there is no user of that name"), "\(run.output)")
    }

    @Test func WhatAnAppReportsIsThereToRead() async throws {
        let source = """
            from martlet import log

            class Reports(LitAPI):
                def predict(self, x):
                    log.metric("loss", x["loss"])
                    log.metric("not a name", 1)
                    log.line("info", "trained", epoch=7)
                    return 1
            """
        try await withApp(source) { martlet, _ in
            try await martlet.predict(#"{"loss": 0.25}"#).expect(200)
            try await until("its figure to be there") {
                let labels = ["pool": "m", "worker": "0", "name": "loss"]
                return try await martlet.metrics().sum("martlet_app_metric", labels) == 0.25
            }
            #expect(try await !martlet.metrics().text.contains("not a name"))
            try await until("its line to be there") { martlet.log().contains("app.epoch") }
        }
    }

    /// What cancelling saved of the workers' time in one phase, in seconds.
    private func saved(_ phase: String, _ martlet: MartletProcess) async throws -> Double {
        try await martlet.metrics().sum("martlet_compute_seconds_saved_total", ["pool": "m", "phase": phase])
    }

    private func awaitRequests(_ count: Int, _ state: String, _ martlet: MartletProcess) async throws {
        try await until("\(count) to be \(state)", explain: { try await martlet.metrics().text }) {
            try await martlet.metrics().sum("martlet_worker_requests", ["pool": "m", "state": state]) == Double(count)
        }
    }

    /// The first call of each of these takes six seconds, what later ones are expected to take: what is spent on those
    /// is less, however slow the machine.
    private static let firstWithin: Duration = .seconds(30)

    @Test func TimeSavedOnWhatWaitsInTheGroupAndOnWhatIsComputedIsCountedByItsPhase() async throws {
        let source = """
            class Takes(LitAPI):
                def decode_request(self, request):
                    return request["n"]

                def predict(self, n, context):
                    note("begun", n)
                    if n == 0:
                        time.sleep(6)
                    else:
                        held("never", until=lambda: context.cancelled)
                        context.check()
                    return n
            """
        try await withApp(source) { martlet, app in
            try await martlet.predict(#"{"n": 0}"#, within: Self.firstWithin).expect(200)
            let computed = try await martlet.begin(#"{"n": 1}"#)
            try await app.awaitNote("begun 1")
            let waits = try await martlet.begin(#"{"n": 2}"#)
            try await awaitRequests(1, "waiting", martlet)
            for phase in ["queued", "computing"] { #expect(try await saved(phase, martlet) == 0) }
            await waits.close()
            try await until("it to be counted") { try await saved("queued", martlet) > 5.9 }
            #expect(try await saved("computing", martlet) == 0)
            await computed.close()
            try await until("it to be counted") { try await saved("computing", martlet) > 0 }
            #expect(try await saved("computing", martlet) < saved("queued", martlet), "a part was spent")
            #expect(app.notes == ["begun 0", "begun 1"])
        }
    }

    @Test func TimeSavedOnWhatWaitsInAWorkerAndOnStreamsIsCountedByItsPhase() async throws {
        let source = """
            class Streams(LitAPI):
                stream = True
                concurrent = 2

                def decode_request(self, request):
                    return request["n"]

                def predict(self, n, context):
                    note("begun", n)
                    yield "first"
                    if n == 0:
                        time.sleep(6)
                    else:
                        held("never", until=lambda: context.cancelled)
                    yield "last"
            """
        try await withApp(source) { martlet, app in
            #expect(try await martlet.predict(#"{"n": 0}"#, within: Self.firstWithin).expect(200).body == "firstlast")
            let streamed = try await martlet.peer()
            try await streamed.send(Client.request("POST", "/predict", body: #"{"n": 1}"#))
            _ = try await streamed.receive(.text("first"))
            // The worker takes it while its only thread is in the other's generator.
            let waits = try await martlet.begin(#"{"n": 2}"#)
            try await awaitRequests(2, "computing", martlet)
            for phase in ["waiting", "streaming"] { #expect(try await saved(phase, martlet) == 0) }
            await waits.close()
            try await until("it to be counted") { try await saved("waiting", martlet) > 5.9 }
            #expect(try await saved("streaming", martlet) == 0)
            _ = try await streamed.leave(.reset)
            try await until("it to be counted") { try await saved("streaming", martlet) > 0 }
            #expect(app.notes == ["begun 0", "begun 1"])
        }
    }

    @Test func TimeThatIsNotSpentOnWhatNobodyWantsIsCounted() async throws {
        let source = """
            class Takes(LitAPI):
                def predict(self, x, context):
                    note("begun")
                    held(x.get("gate", "open"), until=lambda: context.cancelled)
                    context.check()
                    time.sleep(0.05)
                    return 1
            """
        try await withApp(source) { martlet, app in
            try app.open("open")
            for _ in 0..<3 { try await martlet.predict().expect(200) }
            let client = try await martlet.begin(#"{"gate": "never"}"#)
            try await until("it to be computed") { app.notes.count == 4 }
            await client.close()
            try await until("it to be counted", explain: { try await martlet.metrics().text }) {
                try await martlet.metrics().sum("martlet_compute_seconds_wasted_total", ["pool": "m"]) > 0
            }
        }
    }
}
