import Martlet

/// Computes what comes at one time in one call.
struct Doubling: Model {
    struct Input: Codable, Sendable {
        var number: Int
    }

    struct Output: Codable, Sendable {
        var double: Int
    }

    func predict(_ input: Input) async throws -> Output { Output(double: input.number * 2) }

    func batch(_ inputs: [Input]) async throws -> [Output] { inputs.map { Output(double: $0.number * 2) } }
}

/// Counts down, one number every tenth of a second, until its client leaves.
struct Countdown: StreamingModel {
    func stream(_ start: Int, into sink: @escaping Sink<String>) async throws {
        for number in stride(from: start, through: 1, by: -1) {
            try await sink("\(number)\n")
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

@main
struct Jokes {
    static func main() async throws {
        let joke = Prompt("Tell me a joke about {topic}.") | ChatModel("smollm2", ["max_tokens": 80]) | TextOutput()
        let poem = Prompt("Write two lines about {topic}.") | ChatModel("smollm2", ["max_tokens": 80]) | TextOutput()

        try await Martlet.serve(configuration: CommandLine.arguments.dropFirst().first) {
            Chain("/joke", joke.withRetry(attempts: 2))
            Chain("/both", Parallel(["joke": Branch(joke), "poem": Branch(poem)]))
            Chain("/vectors", EmbeddingModel("e5"))
            API("/double", Doubling(), maxBatch: 16)
            API(streaming: "/countdown", Countdown())
        }
    }
}
