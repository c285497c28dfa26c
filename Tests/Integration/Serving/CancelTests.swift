import Foundation
import MartletTools
import NIOCore
import Testing

/// Clients who leave: what nobody waits for is not computed, or stopped, and nobody else notices.
@Suite(.serialized, .timeLimit(.minutes(1))) struct CancelTests {
    @Test(arguments: [false, true]) func WhatWaitsIsNeverComputed(stream: Bool) async throws {
        let source = """
            class One(LitAPI):
                stream = \(stream ? "True" : "False")

                def decode_request(self, request):
                    return request["n"]

                def predict(self, n):
                    note("computed", n)
                    held("first")
                    \(stream ? "yield" : "return") n
            """
        try await withApp(source) { martlet, app in
            let first = try await martlet.begin(#"{"n": 0}"#)
            try await app.awaitNote("computed 0")
            var others: [Client] = []
            for number in 1...6 { others.append(try await martlet.begin(#"{"n": \#(number)}"#)) }
            try await martlet.awaitInHand(7)
            // Of those that the group has and of those that the queue has.
            for number in 0..<5 { try await number % 2 == 0 ? others[number].reset() : await others[number].close() }
            try await martlet.awaitInHand(2)
            try app.open("first")
            #expect(try await first.answer(to: "POST").body.hasPrefix("0"))
            #expect(try await others[5].answer(to: "POST").body.hasPrefix("6"))
            await first.close()
            await others[5].close()
            #expect(app.notes == ["computed 0", "computed 6"])
        }
    }

    @Test func AComputationThatAsksLearnsThatNobodyWaits() async throws {
        let source = """
            class Asks(LitAPI):
                def predict(self, x, context):
                    note("begun")
                    held("never", until=lambda: context.cancelled)
                    note("seen")
                    return 1
            """
        try await withApp(source) { martlet, app in
            let client = try await martlet.begin()
            try await app.awaitNote("begun")
            await client.close()
            let (_, time) = try await timed { try await app.awaitNote("seen") }
            #expect(time < .milliseconds(500))
        }
    }

    @Test func AGeneratorIsClosedAtItsNextYield() async throws {
        let source = """
            class Endless(LitAPI):
                stream = True

                def predict(self, x):
                    try:
                        for number in range(10**9):
                            note("step", number)
                            yield f"<{number}>"
                            held(f"gate-{number}")
                    finally:
                        note("closed")
            """
        try await withApp(source) { martlet, app in
            let client = try await martlet.peer()
            try await client.send(Client.request("POST", "/predict", body: "{}"))
            _ = try await client.receive(.text("<0>"))
            try app.open("gate-0")
            _ = try await client.receive(.text("<1>"))
            _ = try await client.leave(.reset)
            try await martlet.awaitInHand(0)
            // It is told while it computes its third item.
            for number in 1...20 { try app.open("gate-\(number)") }
            try await app.awaitNote("closed")
            let steps = app.notes.dropLast()
            #expect(app.notes.last == "closed" && (2...3).contains(steps.count), "\(app.notes)")
        }
    }

    @Test func ACoroutineIsCancelled() async throws {
        let source = """
            import asyncio

            class Sleeps(LitAPI):
                enable_async = True

                async def predict(self, x):
                    note("begun")
                    try:
                        await asyncio.sleep(60)
                    finally:
                        note("ended")
            """
        try await withApp(source) { martlet, app in
            let client = try await martlet.begin()
            try await app.awaitNote("begun")
            try await client.reset()
            try await app.awaitNote("ended")
        }
    }

    @Test(arguments: [false, true]) func TheOthersOfABatchGetTheirExactResults(stream: Bool) async throws {
        let source = """
            class Batch(LitAPI):
                max_batch_size = 4
                stream = \(stream ? "True" : "False")
                calls = 0

                def decode_request(self, request):
                    return request["n"]

                def predict(self, numbers):
                    self.calls += 1
                    note("batch", *sorted(numbers))
                    held(f"call-{self.calls}")
            \(stream
                ? "        for step in range(30): yield [f'{n}.{step} ' for n in numbers]"
                : "        return [str(100 * n) for n in numbers]")

                def encode_response(self, output):
                    return output
            """
        try await withApp(source) { martlet, app in
            let first = try await martlet.begin(#"{"n": 9}"#)
            try await app.awaitNote("batch 9")
            var clients: [Client] = []
            for number in 0..<4 { clients.append(try await martlet.begin(#"{"n": \#(number)}"#)) }
            try await martlet.awaitInHand(5)
            try app.open("call-1")
            _ = try await first.answer(to: "POST")
            await first.close()
            try await app.awaitNote("batch 0 1 2 3")
            try await clients[1].reset()
            await clients[3].close()
            try await martlet.awaitInHand(2)
            try app.open("call-2")
            for number in [0, 2] {
                let answer = try await clients[number].answer(to: "POST")
                let whole = (0..<30).map { "\(number).\($0) " }.joined()
                #expect(answer.body == (stream ? whole : "\"\(100 * number)\""))
                await clients[number].close()
            }
        }
    }

    @Test func WhoIsLateIsToldSoAndWhoLeftIsGone() async throws {
        let source = """
            class Reasons(LitAPI):
                def predict(self, x, context):
                    note("begun")
                    held("never", until=lambda: context.cancelled)
                    note("because", context._request.reason)
                    return 1
            """
        try await withApp(source, "timeout: 300ms") { martlet, app in
            try await martlet.predict().expect(504)
            try await app.awaitNote("because timeout")
            let client = try await martlet.begin()
            try await until("it to be computed") { app.notes.count { $0 == "begun" } == 2 }
            await client.close()
            try await app.awaitNote("because disconnect")
        }
    }

    /// Many clients, of whom half leave at a random moment.
    @Test func OfManyWhoLeaveNothingIsComputedAfterwards() async throws {
        let source = """
            class Takes(LitAPI):
                max_batch_size = 4

                def decode_request(self, request):
                    return request["n"]

                def predict(self, numbers):
                    now = time.monotonic_ns()
                    for n in numbers:
                        note("computed", n, now)
                    time.sleep(0.01)
                    return [n * n for n in numbers]
            """
        try await withApp(source) { martlet, app in
            var left: [Int: UInt64] = [:]
            try await withThrowingTaskGroup(of: (Int, UInt64)?.self) { tasks in
                for number in 0..<300 {
                    tasks.addTask {
                        let client = try await martlet.begin(#"{"n": \#(number)}"#)
                        guard number % 2 == 0 else {
                            let answer = try await client.answer(to: "POST", within: .seconds(30))
                            #expect(answer.body == "\(number * number)")
                            await client.close()
                            return nil
                        }
                        try await Task.sleep(for: .milliseconds(.random(in: 0..<300)))
                        try await client.reset()
                        return (number, Self.monotonicNow)
                    }
                }
                for try await one in tasks { if let one { left[one.0] = one.1 } }
            }
            for note in app.notes {
                let words = note.split(separator: " ")
                guard let number = Int(words[1]), let time = UInt64(words[2]), let gone = left[number] else { continue }
                #expect(time < gone + 200_000_000, "\(number) was computed after its client had left")
            }
            #expect(app.notes.count < 300, "some were never computed")
        }
    }

    /// Of the clock that Python's `time.monotonic` reads, in nanoseconds.
    private static var monotonicNow: UInt64 { NIODeadline.now().uptimeNanoseconds.magnitude }
}
