import Foundation
import Testing

/// Requests of many clients in one call of the model.
@Suite(.serialized, .timeLimit(.minutes(1))) struct BatchTests {
    /// Its first call waits at the gate `first`, so that those who come meanwhile form a batch.
    private static func doubling(_ before: String = "pass") -> String {
        """
        class Double(LitAPI):
            max_batch_size = 8
            batch_timeout = 0.02
            calls = 0

            def decode_request(self, request):
                return request["n"]

            def predict(self, numbers):
                self.calls += 1
                if self.calls == 1:
                    held("first")
                note("batch", *sorted(numbers))
                \(before)
                return [2 * n for n in numbers]
        """
    }

    /// One request that is being computed, then those of `numbers`, which wait for it.
    private static func ask(
        _ martlet: MartletProcess, _ app: App, _ numbers: Range<Int>
    ) async throws -> [Int: Answer] {
        let first = try await martlet.begin(#"{"n": 1000}"#)
        try await martlet.awaitInHand(1)
        return try await withThrowingTaskGroup(of: (Int, Answer).self) { tasks in
            for number in numbers {
                tasks.addTask { (number, try await martlet.predict(#"{"n": \#(number)}"#)) }
            }
            try await martlet.awaitInHand(1 + numbers.count)
            try app.open("first")
            #expect(try await first.answer(to: "POST").body == "2000")
            await first.close()
            return try await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    @Test func EachClientGetsTheResultOfItsOwnRequest() async throws {
        try await withApp(Self.doubling()) { martlet, app in
            let answers = try await Self.ask(martlet, app, 0..<8)
            for number in 0..<8 { #expect(answers[number]?.body == "\(2 * number)") }
            #expect(app.notes == ["batch 1000", "batch 0 1 2 3 4 5 6 7"])
        }
    }

    @Test func AFailedBatchIsSplitAndOnlyTheBadRequestFails() async throws {
        let refusing = Self.doubling("if 5 in numbers: raise ValueError('five is right out')")
        try await withApp(refusing) { martlet, app in
            let answers = try await Self.ask(martlet, app, 0..<8)
            for number in 0..<8 where number != 5 { #expect(answers[number]?.body == "\(2 * number)") }
            let bad = try #require(answers[5]).expect(500)
            #expect(!bad.body.contains("right out"))
            #expect(app.notes.contains("batch 5"), "it was alone in the end")
        }
    }

    @Test func AnErrorOfTheBatchsOwnKeepsItsStatusWhenItIsSplit() async throws {
        let refusing = Self.doubling("if 5 in numbers: raise HTTPException(422, 'five')")
        try await withApp(refusing) { martlet, app in
            let answers = try await Self.ask(martlet, app, 3..<7)
            for number in [3, 4, 6] { #expect(answers[number]?.body == "\(2 * number)") }
            #expect(try #require(answers[5]).expect(422).body == #"{"detail":"five"}"#)
        }
    }

    /// What the file says of weights, and what the configuration says in its place.
    @Test(arguments: [
        (#"10, "tokens""#, "max_batch: 8", "batch_window: 0s"),
        (#"100, "other""#, "batch_weight: 10", "weight_by: tokens"),
    ])
    func ABatchWeighsNoMoreThanItMayUnlessASingleRequestDoes(
        stated: String, key: String, other: String
    ) async throws {
        let source = """
            class Weighs(LitAPI):
                max_batch_size = 8
                batch_weight, weight_by = \(stated)

                def decode_request(self, request):
                    return request["tokens"]

                def predict(self, numbers):
                    held("first")
                    note(*numbers)
                    return numbers
            """
        try await withApp(source, key, other) { martlet, app in
            let numbers = [7, 4, 4, 4, 25, 1, 1, 6, 2]
            var clients: [Client] = []
            for number in numbers {
                clients.append(try await martlet.begin(#"{"other": 1, "tokens": \#(number)}"#))
                try await martlet.awaitInHand(clients.count)
            }
            try app.open("first")
            for (client, number) in zip(clients, numbers) {
                #expect(try await client.answer(to: "POST").expect(200).body == "\(number)")
                await client.close()
            }
            #expect(app.notes == ["7", "4 4", "4", "25", "1 1 6 2"])
        }
    }

    @Test func LongBodiesOfABatchDoNotMix() async throws {
        let source = """
            class Lengths(LitAPI):
                max_batch_size = 8

                def decode_request(self, request):
                    return request["text"]

                def predict(self, texts):
                    held("first")
                    return [f"{text[:1]}{text[-1:]} {len(set(text))} {len(text)}" for text in texts]
            """
        try await withApp(source) { martlet, app in
            let first = try await martlet.begin(#"{"text": "x"}"#)
            try await martlet.awaitInHand(1)
            try await withThrowingTaskGroup { tasks in
                for number in 0..<8 {
                    let length = 50_000 * (number + 1)
                    tasks.addTask {
                        let text = String(repeating: "\(number)", count: length)
                        let answer = try await martlet.predict(#"{"text": "\#(text)"}"#)
                        #expect(answer.body == #""\#(number)\#(number) 1 \#(length)""#)
                    }
                }
                try await martlet.awaitInHand(9)
                try app.open("first")
                try await tasks.waitForAll()
            }
            #expect(try await first.answer(to: "POST").status == 200)
            await first.close()
        }
    }

    @Test func OneGeneratorServesTheStreamsOfMany() async throws {
        let source = """
            class Counts(LitAPI):
                max_batch_size = 4
                stream = True
                calls = 0

                def decode_request(self, request):
                    return request["n"]

                def predict(self, numbers):
                    self.calls += 1
                    if self.calls == 1:
                        held("first")
                    note("batch", *sorted(numbers))
                    for step in range(50):
                        yield [f"{n}.{step} " for n in numbers]

                def encode_response(self, outputs):
                    yield from outputs
            """
        try await withApp(source) { martlet, app in
            let answers = try await withThrowingTaskGroup(of: (Int, Answer).self) { tasks in
                let first = try await martlet.begin(#"{"n": 9}"#)
                try await martlet.awaitInHand(1)
                for number in 0..<4 {
                    tasks.addTask { (number, try await martlet.predict(#"{"n": \#(number)}"#)) }
                }
                try await martlet.awaitInHand(5)
                try app.open("first")
                _ = try await first.answer(to: "POST")
                await first.close()
                return try await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            for number in 0..<4 {
                #expect(answers[number]?.isComplete == true)
                #expect(answers[number]?.body == (0..<50).map { "\(number).\($0) " }.joined())
            }
            #expect(app.notes.contains("batch 0 1 2 3"))
        }
    }
}
