import Foundation
import MartletTools
import Testing

/// Models one after the other, each in processes of its own.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PipelineTests {
    /// Adds one, then doubles in batches, behind the gate `open`.
    private static let batched = """
        class Prepare(LitAPI):
            def predict(self, request):
                note("prepared", request["n"])
                return {"n": request["n"] + 1}

        class Model(LitAPI):
            def predict(self, inputs):
                held("open")
                note("batch", len(inputs))
                return [{"double": 2 * one["n"]} for one in inputs]

        served = Pipeline([Prepare(), Model(max_batch_size=8, batch_timeout=0.02)], workers_per_device=[2, 1])
        """

    /// Three stages, the second behind the gate `open`.
    private static let gated = """
        class First(LitAPI):
            def predict(self, request):
                note("first", request["n"])
                return request["n"]

        class Second(LitAPI):
            def predict(self, n, context):
                note("second", n)
                held("open", until=lambda: context.cancelled)
                context.check()
                return 10 * n

        class Third(LitAPI):
            def predict(self, n):
                note("third", n)
                return n + 1

        served = Pipeline([First(), Second(), Third()])
        """

    @Test func EachClientGetsItsOwnAnswerAndEachStageItsOwnBatches() async throws {
        try await withApp(Self.batched, workers: 3) { martlet, app in
            try await withThrowingTaskGroup { group in
                for number in 0..<30 {
                    group.addTask {
                        let answer = try await martlet.predict(#"{"n": \#(number)}"#)
                        #expect(answer.expect(200).body == #"{"double":\#(2 * number + 2)}"#)
                    }
                }
                try await until("the second stage to be full") { app.notes.count >= 9 }
                try app.open("open")
                try await group.waitForAll()
            }
            let batches = app.notes.filter { $0.hasPrefix("batch") }.compactMap { Int($0.dropFirst(6)) }
            #expect(batches.reduce(0, +) == 30 && batches.contains { $0 > 1 }, "\(batches)")
            #expect(app.notes.count { $0.hasPrefix("prepared") } == 30)
            let metrics = try await martlet.metrics()
            #expect(metrics.sum("martlet_workers", ["pool": "m", "state": "ready"]) == 2)
            #expect(metrics.sum("martlet_workers", ["pool": "m#2", "state": "ready"]) == 1)
            #expect(!(try await martlet.ask("GET", "/openapi.json")).expect(200).body.contains("#2"))
        }
    }

    @Test func WhoLeavesIsComputedByNoLaterStage() async throws {
        try await withApp(Self.gated, workers: 3) { martlet, app in
            var clients: [Client] = []
            for number in 0...4 {
                clients.append(try await martlet.begin(#"{"n": \#(number)}"#))
                try await app.awaitNote("first \(number)")
            }
            try await app.awaitNote("second 0")
            try await martlet.awaitInHand(5)
            try await until("all to be in the second stage", explain: { try await martlet.metrics().text }) {
                let metrics = try await martlet.metrics()
                return metrics.sum("martlet_worker_requests", ["pool": "m#2"]) == 5
                    && metrics.sum("martlet_worker_requests", ["pool": "m"]) == 0
            }
            // One who waits for the second stage, one whom it computes, one more who waits.
            await clients[2].close()
            try await clients[0].reset()
            try await app.awaitNote("second 1")
            try await clients[3].reset()
            try await martlet.awaitInHand(2)
            try app.open("open")
            #expect(try await clients[1].answer(to: "POST").body == "11")
            #expect(try await clients[4].answer(to: "POST").body == "41")
            for number in [1, 4] { await clients[number].close() }
            for group in ["m", "m#2", "m#3"] {
                #expect(try await martlet.metrics().sum("martlet_worker_requests", ["pool": group]) == 0)
            }
            #expect(app.notes.filter { $0.hasPrefix("second") } == ["second 0", "second 1", "second 4"])
            #expect(app.notes.filter { $0.hasPrefix("third") } == ["third 10", "third 40"])
        }
    }

    @Test func WhoIsLateInALaterStageIsToldInTime() async throws {
        try await withApp(Self.gated, "timeout: 1s", workers: 3) { martlet, app in
            async let computed = timed { try await martlet.predict(#"{"n": 0}"#) }
            try await app.awaitNote("second 0")
            let (waiting, time) = try await timed { try await martlet.predict(#"{"n": 1}"#) }
            // By the timer of its exchange, or by the group that finds it late when it has room for it.
            waiting.expect(504)
            #expect(time < .milliseconds(1500), "\(time)")
            try await computed.0.expect(504, "first_byte_timeout")
            #expect(!app.notes.contains { $0.hasPrefix("third") })
            try app.open("open")
            #expect(try await martlet.predict(#"{"n": 2}"#).expect(200).body == "21")
        }
    }

    @Test func TheLastStageStreamsAndIsStopped() async throws {
        let source = """
            class Words(LitAPI):
                def predict(self, request):
                    return request["text"].split()

            class Says(LitAPI):
                stream = True

                def predict(self, words):
                    try:
                        for number, word in enumerate(words):
                            yield f"<{word}>"
                            held(f"gate-{number}")
                    finally:
                        note("closed")

            served = Pipeline([Words(), Says()])
            """
        try await withApp(source, workers: 2) { martlet, app in
            try app.open("gate-0")
            let client = try await martlet.peer()
            try await client.send(Client.request("POST", "/predict", body: #"{"text": "one two three"}"#))
            _ = try await client.receive(.text("<one>"))
            _ = try await client.receive(.text("<two>"))
            _ = try await client.leave(.reset)
            try await martlet.awaitInHand(0)
            for number in 1...2 { try app.open("gate-\(number)") }
            try await app.awaitNote("closed")
            #expect(try await martlet.predict(#"{"text": "a b"}"#).expect(200).body == "<a><b>")
        }
    }

    @Test func EachStagesErrorIsTheClients() async throws {
        let source = """
            class Prepare(LitAPI):
                def predict(self, x):
                    if x == "early":
                        raise HTTPException(422, "too early")
                    return object() if x == "odd" else x

            class Model(LitAPI):
                def predict(self, x):
                    if x == "late":
                        raise HTTPException(409, "too late")
                    return x

            served = Pipeline([Prepare(), Model()])
            """
        try await withApp(source, workers: 2) { martlet, _ in
            #expect(try await martlet.predict(#""early""#).expect(422).body == #"{"detail":"too early"}"#)
            #expect(try await martlet.predict(#""late""#).expect(409).body == #"{"detail":"too late"}"#)
            #expect(try await martlet.predict(#""odd""#).expect(500).body == #"{"detail":"Internal server error"}"#)
            try await until("the log to say what is wrong") {
                martlet.log().contains("encode_response must return bytes, or dict")
            }
            #expect(try await martlet.predict(#""well""#).expect(200).body == #""well""#)
        }
    }

    @Test(arguments: ["64MiB", "1MiB", "off"]) func LongBodiesPassFromStageToStageWhateverTheirWay(
        memory: String
    ) async throws {
        let source = """
            class Make(LitAPI):
                def predict(self, count):
                    return bytes(number % 251 for number in range(1000)) * (count // 1000)

            class Check(LitAPI):
                def predict(self, body):
                    assert type(body) is bytes
                    return body[::-1]

            class Answer(LitAPI):
                def predict(self, body):
                    return {"length": len(body), "sum": sum(body)}

            served = Pipeline([Make(), Check(), Answer()])
            """
        try await withApp(source, "shared_memory: \(memory)", workers: 3) { martlet, _ in
            let sum = (0..<1000).map { $0 % 251 }.reduce(0, +)
            for count in [0, 60_000, 200_000, 5_000_000] {
                let answer = try await martlet.predict("\(count)")
                #expect(answer.expect(200).body == #"{"length":\#(count),"sum":\#(count / 1000 * sum)}"#)
            }
            try await until("what was held to be given back") {
                try await martlet.metrics().sum("martlet_buffered_bytes") == 0
            }
        }
    }

    @Test func AStageInTheMiddleThatStreamsIsRefused() async throws {
        try await withApp(Self.gated, workers: 3) { martlet, app in
            try app.write(Self.gated + "\nserved.stages[1].stream = True")
            let answer = try await martlet.tryReload(app.configuration())
            #expect(answer.status >= 400)
            #expect(answer.body.contains("/predict#2 streams, and only the last stage of a pipeline can"))
            try app.open("open")
            #expect(try await martlet.predict(#"{"n": 2}"#).expect(200).body == "21")
        }
    }
}
