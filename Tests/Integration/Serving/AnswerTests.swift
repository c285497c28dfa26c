import Foundation
import Testing

/// What a client gets of a model: values, streams, errors.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AnswerTests {
    @Test func WhatPredictReturnsIsTheAnswer() async throws {
        let source = """
            class Square(LitAPI):
                def decode_request(self, request):
                    return request["input"]

                def predict(self, x, context):
                    return {"square": x * x, "asked": context.headers["x-asked"], "by": context.client}

                def encode_response(self, output):
                    return {"output": output}
            """
        try await withApp(source) { martlet, _ in
            let answer = try await martlet.predict(#"{"input": 12}"#, headers: ["X-Asked: yes", "X-Asked: twice"])
            answer.expect(200)
            #expect(answer.header("content-type") == "application/json")
            #expect(answer.body == #"{"output":{"square":144,"asked":"yes, twice","by":"127.0.0.1"}}"#)
            try await martlet.ask("GET", "/predict").expect(405)
            try await martlet.get("/health").expect(200)
        }
    }

    @Test func WhoForwardedARequestIsNotTheClientsToSay() async throws {
        let source = """
            class Told(LitAPI):
                def predict(self, x, context):
                    names = ("x-forwarded-proto", "x-forwarded-for", "cookie")
                    return [context.headers.get(name) for name in names]
            """
        try await withApp(source) { martlet, _ in
            let lies = ["X-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.9", "Cookie: a=1", "Cookie: b=2"]
            let answer = try await martlet.predict(headers: lies)
            #expect(answer.expect(200).body == #"["http","127.0.0.1","a=1; b=2"]"#)
        }
    }

    @Test func ABodyThatAMethodNotServedBringsIsNotKept() async throws {
        let source = """
            class Reader(LitAPI):
                methods = ("PUT",)

                def predict(self, x):
                    return x
            """
        try await withApp(source) { martlet, _ in
            try await martlet.predict(String(repeating: "x", count: 300_000)).expect(405)
            try await martlet.ask("PUT", "/predict", body: "[1]").expect(200)
        }
    }

    @Test func AnErrorThatTheAppRaisesForTheClientIsTheAnswer() async throws {
        let source = """
            class Picky(LitAPI):
                def predict(self, x):
                    raise HTTPException(418, {"because": "a teapot"})
            """
        try await withApp(source) { martlet, _ in
            let answer = try await martlet.predict().expect(418)
            #expect(answer.body == #"{"detail":{"because":"a teapot"}}"#)
            #expect(!martlet.log().contains("Traceback"), "it is no fault of the app's")
        }
    }

    @Test func AnExceptionIsA500WithoutATracebackAndALogLineWithAWholeOne() async throws {
        let source = """
            class Broken(LitAPI):
                def predict(self, x):
                    return self.deeper(x)

                def deeper(self, x):
                    raise KeyError("secret-weights")
            """
        try await withApp(source) { martlet, _ in
            let answer = try await martlet.predict().expect(500)
            #expect(!answer.body.contains("Traceback") && !answer.body.contains("secret-weights"))
            try await until("the traceback") { martlet.log().contains("secret-weights") }
            let line = try #require(martlet.log().split(separator: "\n").first { $0.contains("Traceback") })
            #expect(line.contains("in deeper") && line.contains("KeyError: 'secret-weights'"), "\(line)")
        }
    }

    @Test func LongBodiesAndLongAnswersArriveWhole() async throws {
        let source = """
            class Reverse(LitAPI):
                def predict(self, x):
                    return {"text": x["text"][::-1]}
            """
        try await withApp(source, "max_batch: 1") { martlet, _ in
            for count in [65_536, 65_537, 3_000_000] {
                let text = String((0..<count / 8).flatMap { String(format: "%08d", $0) })
                let answer = try await martlet.predict(#"{"text": "\#(text)"}"#).expect(200)
                #expect(answer.isComplete)
                #expect(answer.body == #"{"text":"\#(String(text.reversed()))"}"#, "\(count)")
                #expect(answer.header("content-length") != nil, "its length is known before its end")
            }
        }
    }

    @Test func AStreamArrivesPieceByPieceAsItIsYielded() async throws {
        let source = """
            class Count(LitAPI):
                stream = True

                def predict(self, x):
                    for number in range(5):
                        yield number
                        held(f"after-{number}")

                def encode_response(self, outputs):
                    for output in outputs:
                        yield f"<{output}>"
            """
        try await withApp(source) { martlet, app in
            let client = try await martlet.peer(sendsToTheEnd: true)
            try await client.send(Client.request("POST", "/predict", body: "{}"))
            for number in 0..<5 {
                let heard = try await client.receive(.text("<\(number)>"))
                #expect(!heard.text.contains("<\(number + 1)>"))
                try app.open("after-\(number)")
            }
            #expect(try await client.receive(.ending("0\r\n\r\n")).text.contains("200 OK"))
            await client.close()
        }
    }

    @Test func AStreamThatFailsIsBrokenOffNotEnded() async throws {
        let source = """
            class Breaks(LitAPI):
                stream = True

                def predict(self, x):
                    yield "first"
                    raise RuntimeError("in the middle")
            """
        try await withApp(source) { martlet, _ in
            let answer = try await martlet.predict()
            #expect(answer.status == 200)
            #expect(!answer.isComplete)
            #expect(!answer.body.contains("in the middle"))
            try await until("the traceback") { martlet.log().contains("in the middle") }
        }
    }

    @Test func EmptyPiecesDoNotStallAStream() async throws {
        let source = """
            class Sparse(LitAPI):
                stream = True

                def predict(self, x):
                    for _ in range(500):
                        yield ""
                    yield "the end"
            """
        try await withApp(source) { martlet, _ in
            let answer = try await martlet.predict()
            #expect(answer.isComplete && answer.body == "the end")
        }
    }

    @Test func CoroutinesAreComputedTogether() async throws {
        let source = """
            import asyncio

            class Slow(LitAPI):
                enable_async = True
                together = 0

                async def predict(self, x):
                    self.together += 1
                    while self.together < 20:
                        await asyncio.sleep(0.001)
                    return {"twice": 2 * x["n"]}
            """
        try await withApp(source) { martlet, _ in
            try await withThrowingTaskGroup { tasks in
                for number in 0..<20 {
                    tasks.addTask {
                        let answer = try await martlet.predict(#"{"n": \#(number)}"#).expect(200)
                        #expect(answer.body == #"{"twice":\#(2 * number)}"#)
                    }
                }
                try await tasks.waitForAll()
            }
        }
    }
}
