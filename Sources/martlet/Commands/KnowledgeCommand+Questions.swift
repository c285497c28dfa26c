import ArgumentParser
import Martlet

extension KnowledgeCommand {
    /// How many passages.
    struct Passages: ParsableArguments {
        @Option(name: .long, help: "How many passages at most.")
        var limit: Int?

        func validate() throws {
            if let limit, !(1...200).contains(limit) { throw ValidationError("--limit is no number from 1 to 200") }
        }
    }

    struct Ask: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask a base: the answer, then its sources, and what they do not bear out.")

        @Argument(help: "The base.") var base: String
        @Argument(help: "The question.") var question: String

        @Option(name: .long, help: "A model of the configuration; \"\": none, the best passages are the answer.")
        var model: String?

        @Flag(name: .long, help: "Ask the model anew, and not the cache.")
        var fresh = false

        @OptionGroup var passages: Passages
        @OptionGroup var options: Options

        func run() async throws {
            let (base, question, model, isFresh) = (base, question, model, fresh)
            let limit = passages.limit ?? 3
            try await options.tell {
                try await $0.ask(question, of: base, limit: limit, model: model, isFresh: isFresh)
            }
        }
    }

    struct Search: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the passages that a question finds, with their scores and why.")

        @Argument(help: "The base.") var base: String
        @Argument(help: "The question.") var question: String
        @OptionGroup var passages: Passages
        @OptionGroup var options: Options

        func run() async throws {
            let (base, question, limit) = (base, question, passages.limit ?? 5)
            try await options.tell { try await $0.search(question, in: base, limit: limit) }
        }
    }

    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "eval", abstract: "Measure how well a base's passages answer questions with known answers.",
            discussion: """
                A line of the file is {"question": "…", "document": "…"}, and where a passage must say it \
                "text": "…". Told are recall, MRR and nDCG among the first passages.
                """)

        @Argument(help: "The base.") var base: String
        @Argument(help: "The file of questions.") var file: String

        @Flag(name: .long, help: "Name the questions that nothing found answers.")
        var misses = false

        @OptionGroup var passages: Passages
        @OptionGroup var options: Options

        func run() async throws {
            let (base, file, misses, limit) = (base, file, misses, passages.limit ?? 10)
            try await options.tell {
                try await $0.evaluate(base, file: file, limit: limit, showsMisses: misses)
            }
        }
    }
}
