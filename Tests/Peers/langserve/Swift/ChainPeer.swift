import Martlet

/// The runnables of `chains.py` that can be the same in Swift, at the same paths.
@main
struct ChainPeer {
    static func main() async throws {
        let addOne = Lambda("add_one") { (x: Int) in x + 1 }
        let addTwo = Lambda("add_two") { (x: Int) in x + 2 }
        let prompt = Prompt(.system("Be short."), .human("Tell a joke about {topic}."))
        let model = FakeListChatModel()

        try await Martlet.serve(configuration: CommandLine.arguments.dropFirst().first) {
            Chain("/add_one", addOne)
            Chain("/others/add_two", addTwo)
            Chain("/others/add/both", addOne | addTwo)
            Chain("/fail", Lambda("fail") { (x: Int) -> Int in throw Failure(secret: x) })
            Chain("/refuse", Lambda("refuse") { (_: Int) -> Int in throw HTTPError(418, "not for you") })
            Chain("/fail_later", Lambda("some_then_fail", streaming: someThenFail))
            Chain("/letters", Lambda("letters", streaming: letters))
            Chain("/others/pass", Passthrough<JSON>())
            Chain("/others/parallel", Parallel(["one": Branch(addOne), "both": Branch(addOne | addTwo)]))
            Chain("/chat", model)
            Chain("/others/prompt", prompt)
            Chain("/joke/message", prompt | model)
            Chain("/joke", prompt | model | TextOutput())
            Chain("/others/slow_async", Lambda("slow_async", streaming: slow))
            API("/pick", Picking())
            API("/v1/embeddings", Lengths())
            Chain("/vectors", EmbeddingModel("lengths"))
        }
    }

    /// No runnable of `chains.py`: a model with a mistake that ends the process.
    struct Picking: Model {
        func predict(_ index: Int) async throws -> String { ["one", "two"][index] }
    }

    /// None either: an embedding model, which a chain of the same program asks.
    struct Lengths: Model {
        struct Input: Codable, Sendable { var input: [String] }
        struct Output: Codable, Sendable { var data: [Row] }
        struct Row: Codable, Sendable { var embedding: [Float] }

        func predict(_ input: Input) async throws -> Output {
            Output(data: input.input.map { Row(embedding: [Float($0.utf8.count)]) })
        }
    }

    struct Failure: Error { let secret: Int }

    static let someThenFail: @Sendable (Int, Sink<Int>) async throws -> Void = { count, sink in
        for number in 0..<count { try await sink(number) }
        throw Failure(secret: count)
    }

    static let letters: @Sendable (String, Sink<String>) async throws -> Void = { text, sink in
        for letter in text { try await sink(String(letter)) }
    }

    /// A stream that goes on for ten seconds, and says how far it is.
    static let slow: @Sendable (String, Sink<String>) async throws -> Void = { text, sink in
        defer { say("slow_async: closed") }
        for _ in 0..<500 {
            say("slow_async: step")
            try await sink(text)
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// Says the same to everybody, letter by letter, as LangChain's model of this name does.
struct FakeListChatModel: Runnable {
    private let words = "A martlet never lands."

    var kind: RunKind { .chatModel }

    func answer(_ input: PromptValue, _ run: Run) async throws -> Message {
        Message(.ai, .string(words), members: ["id": .string("lc_run--\(run.id.uuidString.lowercased())-0")])
    }

    func answer(_ source: @escaping Source<PromptValue>, _ run: Run, into sink: @escaping Sink<Message>) async throws {
        try await source { _ in
            for (place, letter) in words.enumerated() {
                var piece = Message(
                    .ai, .string(String(letter)), members: ["id": .string("lc_run--\(run.id.uuidString.lowercased())")])
                piece.isPiece = true
                if place == words.count - 1 { piece.members["chunk_position"] = "last" }
                try await sink(piece)
            }
        }
    }
}
