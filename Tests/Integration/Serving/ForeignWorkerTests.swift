import Foundation
import MartletTools
import Testing

/// Workers that break the protocol: who asked gets one outcome, and the host stays whole.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ForeignWorkerTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "fake_worker.py").path

    /// Workers that are no Python with the SDK but a script that speaks the protocol, in this mode.
    private static func withFake(
        _ mode: String, _ keys: String..., workers count: Int = 1, environment: [String: String] = [:],
        variables: String = "",
        body: (MartletProcess, _ notes: () -> [String]) async throws -> Void
    ) async throws {
        let app = try App("")
        defer { app.remove() }
        let notes = app.directory.appending(path: "notes").path
        let own = [
            "python: \(script)", "environment: {MODE: \(mode), NOTES: \(notes)\(variables)}", "restart: {stable: 1ms}",
        ]
        let configuration = app.configuration(own + keys)
        let martlet = try await MartletProcess.start(
            configuration, environment: Repository.withSDK.merging(environment) { $1 })
        do {
            try await martlet.awaitWorkers(count)
            let before = try await martlet.rest()
            try await body(martlet) { app.notes }
            try await martlet.settle(to: before)
            await martlet.stop()
        } catch {
            await martlet.stop()
            throw error
        }
    }

    @Test(arguments: [
        "garbage", "huge", "closes", "shared, outside", "shared, beyond", "shared, far beyond",
    ]) func OneThatBreaksItsLineIsReplaced(mode: String) async throws {
        try await Self.withFake("'\(mode)'") { martlet, notes in
            let pid = try #require(try await martlet.backend().pid)
            // It is tried again, once, and does it again.
            let (answer, time) = try await timed { try await martlet.predict() }
            answer.expect(500, "request_quarantined")
            #expect(time < .seconds(3))
            #expect(notes().count == 2, "\(notes())")
            try await martlet.awaitReplacement(of: pid)
            #expect(!ProcessFiles.lives(pid))
            if mode != "closes" { #expect(martlet.log().contains("worker broke the protocol")) }
        }
    }

    @Test(arguments: [("twice", #""first""#), ("strangers", #""yours""#), ("chunk after last", "whole")])
    func WhatNobodyAskedForIsDropped(mode: String, body: String) async throws {
        try await Self.withFake(mode) { martlet, _ in
            for _ in 0..<3 {
                let answer = try await martlet.predict()
                #expect(answer.expect(200).body == body)
            }
            #expect(try await martlet.backend().restarts == 0)
        }
    }

    @Test func WhoCutsTheSharedMemoryOffIsRefusedAndWhoWritesIntoAnAnswerGarblesItAlone() async throws {
        try await Self.withFake("'shared, cut off'") { martlet, notes in
            let answer = try await martlet.predict()
            #expect(answer.expect(200).body == String(repeating: "x", count: 1 << 20))
            #expect(notes().filter { $0 == "refused" }.count == 2)
        }
        try await Self.withFake("'shared, written after'") { martlet, _ in
            for _ in 0..<3 {
                let answer = try await martlet.predict()
                #expect(answer.expect(200).body.utf8.count == 1 << 20)
            }
            #expect(try await martlet.backend().restarts == 0)
        }
    }

    @Test(arguments: [("shared", "shared"), ("shared, unasked releases", "released")])
    func AnotherSDKMayUseSharedMemory(mode: String, body: String) async throws {
        try await Self.withFake("'\(mode)'") { martlet, _ in
            for _ in 0..<3 {
                let answer = try await martlet.predict("\"" + String(repeating: "y", count: 200_000) + "\"")
                #expect(answer.expect(200).body == "\"\(body)\"")
            }
            #expect(try await martlet.backend().restarts == 0)
        }
    }

    @Test(arguments: ["bad meta", "bad status"]) func AnAnswerThatCannotBeSentIsA502(mode: String) async throws {
        try await Self.withFake(mode) { martlet, _ in
            for _ in 0..<2 { try await martlet.predict().expect(502, "upstream_malformed") }
        }
    }

    @Test func WhatItSaidBeforeItBrokeItsLineIsAnswered() async throws {
        try await Self.withFake("answer and garbage") { martlet, _ in
            let answer = try await martlet.predict()
            #expect(answer.expect(200).body == #""whole""#)
        }
    }

    @Test func OneThatGivesUpUnaskedIsAFailureAtOnce() async throws {
        try await Self.withFake("gives up") { martlet, _ in
            for _ in 0..<2 { try await martlet.predict().expect(500, "worker_failed") }
        }
    }

    @Test func AStreamThatBeginsWithNonsenseGivesItsPlaceBack() async throws {
        try await Self.withFake("bad first chunk") { martlet, _ in
            for _ in 0..<3 { try await martlet.predict().expect(502, "upstream_malformed") }
            #expect(try await martlet.backend().restarts == 0)
        }
    }

    @Test func AnAnswerAfterTheFirstPieceOfOneIsNotPassedOn() async throws {
        try await Self.withFake("chunk and answer") { martlet, _ in
            let answer = try await martlet.predict()
            #expect(!answer.body.contains("and more"))
        }
    }

    @Test func WhatAnAppSaysOfItselfIsBounded() async throws {
        try await Self.withFake("great numbers") { martlet, _ in
            try await martlet.predict().expect(200)
        }
    }

    private static let keyed = ["LIT_SERVER_API_KEY": "sesame"]

    @Test func TheServersKeyIsAskedForInFrontOfOneThatDoesNotAskByItself() async throws {
        try await Self.withFake("open", environment: Self.keyed) { martlet, notes in
            for fields in [[], ["X-API-Key: sesam"]] {
                try await martlet.predict(headers: fields).expect(401, "unauthorized")
            }
            #expect(notes().isEmpty)
            try await martlet.predict(headers: ["X-API-Key: sesame"]).expect(200)
            #expect(!martlet.log().contains("another LIT_SERVER_API_KEY"))
        }
        try await Self.withFake("authorizes", environment: Self.keyed) { martlet, _ in
            try await martlet.predict().expect(200)
        }
    }

    @Test func TheKeyInAnAppsEnvironmentIsForItsOwnPathsAlone() async throws {
        let variables = ", LIT_SERVER_API_KEY: other"
        try await Self.withFake("open", environment: Self.keyed, variables: variables) { martlet, _ in
            for (key, app, server) in [("sesame", 401, 200), ("other", 200, 401)] {
                let fields = ["X-API-Key: \(key)"]
                try await martlet.predict(headers: fields).expect(app)
                try await martlet.get("/info", headers: fields).expect(server)
            }
            #expect(martlet.log().ranges(of: "another LIT_SERVER_API_KEY").count == 1)
        }
        // Without one of its own, the server's paths are open.
        try await Self.withFake("open", variables: variables) { martlet, _ in
            try await martlet.predict().expect(401, "unauthorized")
            try await martlet.get("/info").expect(200)
        }
    }

    @Test func AnAppIsServedWhereTheConfigurationSays() async throws {
        let source = """
            class Model(LitAPI):
                def setup(self, device): pass
                def predict(self, x): return x
            """
        try await withApp(source, "path: /elsewhere") { martlet, _ in
            try await martlet.post("/elsewhere", headers: ["Content-Type: application/json"], body: "1").expect(200)
            try await martlet.post("/predict", headers: ["Content-Type: application/json"], body: "1").expect(404)
        }
    }

    @Test(arguments: ["short", "long"]) func AnAnswerOfAnotherLengthThanItSaidIsBrokenOff(mode: String) async throws {
        try await Self.withFake(mode) { martlet, _ in
            let answer = try await martlet.predict()
            #expect(!answer.isComplete)
            #expect(!answer.body.contains("and more"))
        }
    }

    @Test func OneThatIgnoresItsCreditLosesTheRequestAndFillsNoMemory() async throws {
        try await Self.withFake("flood") { martlet, notes in
            let memory = try martlet.residentBytes()
            let client = try await martlet.connect(reads: false)
            try await client.send(Client.request("POST", "/predict", body: "{}"))
            try await until("it to have sent a lot", within: .seconds(10)) {
                notes().contains { $0.hasPrefix("cancel") || $0 == "sent 19999" }
            }
            #expect(try martlet.residentBytes() < memory + 32 << 20)
            await client.close()
        }
    }

    @Test func AFloodOfLogLinesIsCutShort() async throws {
        try await Self.withFake("log flood") { martlet, _ in
            try await martlet.predict(within: .seconds(20)).expect(200)
            #expect(martlet.log().split(separator: "\n").count < 5000)
            try await until("it to say so") { martlet.log().contains("left out") }
        }
    }

    @Test func ALongStartThatTellsOfItsProgressIsWaitedFor() async throws {
        try await Self.withFake("slow start", "ready: {within: 500ms}") { martlet, _ in
            try await martlet.predict().expect(200)
            #expect(try await martlet.backend().restarts == 0)
        }
    }

    @Test func OneThatNeverAnswersIsLateAndNoMoreThanThat() async throws {
        try await Self.withFake("silent", "timeout: 300ms", "ready: {interval: 50ms, unhealthy: 2}") {
            martlet, notes in
            let pid = try #require(try await martlet.backend().pid)
            let (answer, time) = try await timed { try await martlet.predict() }
            answer.expect(504)
            #expect(time < .milliseconds(400), "\(time)")
            try await martlet.awaitReplacement(of: pid)
            #expect(try await martlet.backend().lastExit?.hasPrefix("hung") == true)
        }
    }

    @Test func WorkersOfOneGroupMustHaveOneVersion() async throws {
        let app = try App("")
        defer { app.remove() }
        let notes = app.directory.appending(path: "notes").path
        let configuration = app.configuration([
            "python: \(Self.script)", "environment: {MODE: versions, NOTES: \(notes)}", "workers_per_device: 2",
            "restart: {exits: 2, backoff: 10ms}",
        ])
        let martlet = try await MartletProcess.start(configuration, environment: Repository.withSDK)
        do {
            try await until("one to be refused", explain: { martlet.log() }) {
                let states = try await martlet.status().backends.map(\.state)
                return states.sorted() == ["broken", "ready"]
            }
            #expect(martlet.log().contains("version"))
            try await martlet.predict().expect(200)
        } catch {
            await martlet.stop()
            throw error
        }
        await martlet.stop()
    }
}
