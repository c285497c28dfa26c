import MartletWire
import Synchronization
import Testing

@testable import Martlet

@Suite("Composed steps")
struct ComposingTests {
    let addOne = Lambda("add_one") { (x: Int) in x + 1 }
    let double = Lambda("double") { (x: Int) in x * 2 }
    let letters = Lambda("letters") { (text: String, sink: Sink<String>) in
        for letter in text { try await sink(String(letter)) }
    }
    /// Says its prompt, letter by letter.
    let echo = Echo()

    struct Failure: Error, Equatable {
        var number = 0
    }

    private func pieces<Step: Runnable>(_ step: Step, _ input: Step.Input) async throws -> [Step.Output] {
        let all = Mutex<[Step.Output]>([])
        try await step.stream(input) { piece in all.withLock { $0.append(piece) } }
        return all.withLock { $0 }
    }

    @Test("Each step takes what the one before it gives")
    func order() async throws {
        #expect(try await (addOne | double).invoke(3) == 8)
        #expect(try await (double | addOne | double).invoke(3) == 14)
        #expect(try await (double | (addOne | double)).invoke(3) == 14)
    }

    @Test("A prompt's values become text, doubled braces stay braces")
    func prompts() async throws {
        let prompt = Prompt(.system("{{short}}"), .messages("past"), .human("{a} and {b}"))
        let value = try await prompt.invoke(["a": "x", "b": 2, "past": [["type": "ai", "content": "ho"]]])
        #expect(value.messages.map(\.text) == ["{short}", "ho", "x and 2"])
        #expect(value.messages.map(\.role) == [.system, .ai, .human])
        await #expect(throws: MissingVariable.self) { try await prompt.invoke(["a": "x"]) }
    }

    @Test("Pieces pass through the steps that can take them")
    func streaming() async throws {
        let chain = Prompt("{x}") | echo | TextOutput()
        #expect(try await pieces(chain, ["x": "abc"]) == ["a", "b", "c"])
        #expect(try await chain.invoke(["x": "abc"]) == "abc")
        var read: [String] = []
        for try await piece in chain.stream(["x": "ab"]) { read.append(piece) }
        #expect(read == ["a", "b"])
    }

    @Test("A step that needs the whole input gets it, and its own output goes on in pieces")
    func gathering() async throws {
        let shout = Lambda("shout") { (text: String) in text.uppercased() }
        #expect(try await pieces(letters | shout | letters, "ab") == ["A", "B"])
        #expect(try await pieces(letters | shout, "ab") == ["AB"])
    }

    @Test("Branches have the same input; their pieces come under their names")
    func branches() async throws {
        let both = Parallel(["one": Branch(addOne), "two": Branch(addOne | double)])
        #expect(try await both.invoke(1) == ["one": 2, "two": 4])
        #expect(try await pieces(both, 1).reduce(into: Fields()) { $0.merge($1) { $1 } } == ["one": 2, "two": 4])
        let more = Assign(["sum": Branch(Lambda("sum") { (fields: Fields) in fields.count })])
        #expect(try await more.invoke(["a": 1]) == ["a": 1, "sum": 1])
    }

    @Test("The first branch whose condition holds is taken")
    func choosing() async throws {
        let chosen = Choose(.when({ $0 > 9 }, double), .when({ $0 > 0 }, addOne), otherwise: Passthrough<Int>())
        #expect(try await chosen.batch([10, 1, 0]) == [20, 2, 0])
    }

    @Test("A batch keeps its order and its bound")
    func batches() async throws {
        let most = Mutex((now: 0, ever: 0))
        let step = Lambda("counted") { (x: Int) in
            most.withLock { most in
                most.now += 1
                most.ever = max(most.ever, most.now)
            }
            await Task.yield()
            most.withLock { $0.now -= 1 }
            return x
        }
        #expect(try await step.batch(Array(0..<40), RunConfig(maxConcurrency: 3)) == Array(0..<40))
        #expect(most.withLock { $0.ever } <= 3)
    }

    @Test("What fails is tried again, so often and no more")
    func retries() async throws {
        let calls = Mutex(0)
        let step = Lambda("flaky") { (x: Int) in
            let number = calls.withLock { $0 += 1; return $0 }
            guard number >= x else { throw Failure(number: number) }
            return number
        }
        #expect(try await step.withRetry(attempts: 3, pause: .zero).invoke(3) == 3)
        calls.withLock { $0 = 0 }
        await #expect(throws: Failure(number: 2)) { try await step.withRetry(attempts: 2, pause: .zero).invoke(9) }
        calls.withLock { $0 = 0 }
        await #expect(throws: Failure(number: 1)) {
            try await step.withRetry(attempts: 5, pause: .zero, when: { _ in false }).invoke(9)
        }
    }

    @Test("A stand-in takes over; where all fail, the first says why")
    func fallbacks() async throws {
        let fails = Lambda("fails") { (_: Int) -> Int in throw Failure(number: 7) }
        let worse = Lambda("worse") { (_: Int) -> Int in throw Failure(number: 8) }
        #expect(try await fails.withFallbacks(worse, addOne).invoke(1) == 2)
        #expect(try await pieces(fails.withFallbacks(addOne), 1) == [2])
        await #expect(throws: Failure(number: 7)) { try await fails.withFallbacks(worse).invoke(1) }
    }

    @Test("A stream that began is neither tried again nor taken over")
    func begunStreams() async throws {
        let breaks = Lambda("breaks") { (x: Int, sink: Sink<Int>) in
            try await sink(x)
            throw Failure()
        }
        for step in [AnyStep(breaks.withRetry(pause: .zero)), AnyStep(breaks.withFallbacks(addOne))] {
            let seen = Mutex<[Int]>([])
            await #expect(throws: Failure()) {
                try await step.stream(5) { piece in seen.withLock { $0.append(piece) } }
            }
            #expect(seen.withLock { $0 } == [5])
        }
    }

    @Test("Who stops reading ends the run")
    func cancelling() async throws {
        let (ended, ending) = AsyncStream<Void>.makeStream()
        let endless = Lambda("endless") { (x: Int, sink: Sink<Int>) in
            defer { ending.finish() }
            while true {
                try Task.checkCancellation()
                try await sink(x)
                await Task.yield()
            }
        }
        for try await piece in (endless | Passthrough<Int>()).stream(1) where piece == 1 { break }
        for await _ in ended {}
    }

    @Test("What is asked within a step is part of its run, and has its configuration")
    func nesting() async throws {
        let inner = Lambda("inner") { (_: Int, run: Run) in "\(run.parents.count) \(run.tags) \(run.configurable)" }
        let outer = Lambda("outer") { (x: Int) in try await inner.invoke(x) }
        let said = try await outer.invoke(1, RunConfig(tags: ["t"], configurable: ["k": 1]))
        #expect(said == #"1 ["t"] ["k": MartletWire.JSONValue.integer(1)]"#)
    }

    @Test("A listener hears steps in the order of the chain, and each end after its pieces")
    func listening() async throws {
        let heard = Mutex<[String]>([])
        let chain = Prompt("{x}") | echo | TextOutput()
        let run = Run(of: chain, RunConfig(runName: "/c")) { event in
            let what =
                switch event.moment {
                case .started: "start"
                case .piece: "piece"
                case .ended: "end"
                case .failed: "failed"
                }
            heard.withLock { $0.append("\(event.run.name) \(what) \(event.run.tags.joined())") }
        }
        try await chain.traced({ try await $0(["x": "a"]) }, run) { _ in }
        #expect(
            heard.withLock { $0 } == [
                "/c start ", "ChatPromptTemplate start seq:step:1", "ChatPromptTemplate end seq:step:1",
                "Echo start seq:step:2", "Echo piece seq:step:2", "StrOutputParser start seq:step:3",
                "StrOutputParser piece seq:step:3", "/c piece ", "Echo end seq:step:2", "StrOutputParser end seq:step:3",
                "/c end ",
            ])
    }

    @Test("Messages are read in LangChain's form and in OpenAI's, and keep what else they say")
    func messages() throws {
        let said: JSON = [["role": "user", "content": "a"], ["type": "ai", "content": "b", "tool_calls": [["id": "1"]]]]
        let messages = try said.decoded(as: [Message].self)
        #expect(messages.map(\.role) == [.human, .ai])
        let told = try JSON(of: messages[1])
        #expect(told["tool_calls"] == [["id": "1"]] && told["type"] == "ai" && told["response_metadata"] == [:])
    }
}

/// Any step from numbers to numbers.
private struct AnyStep: Runnable {
    private let step: any Runnable<Int, Int>

    init(_ step: some Runnable<Int, Int>) { self.step = step }

    func answer(_ input: Int, _ run: Run) async throws -> Int { try await step.invoke(input) }

    func answer(_ source: @escaping Source<Int>, _ run: Run, into sink: @escaping Sink<Int>) async throws {
        try await source { try await step.stream($0, into: sink) }
    }
}

struct Echo: Runnable {
    var kind: RunKind { .chatModel }

    func answer(_ input: PromptValue, _ run: Run) async throws -> Message { .ai(input.messages.last?.text ?? "") }

    func answer(_ source: @escaping Source<PromptValue>, _ run: Run, into sink: @escaping Sink<Message>) async throws {
        try await source { input in
            for letter in input.messages.last?.text ?? "" {
                var piece = Message.ai(String(letter))
                piece.isPiece = true
                try await sink(piece)
            }
        }
    }
}
