import ArgumentParser
import Martlet

extension AddOrder.Splitting: ExpressibleByArgument {}

extension KnowledgeCommand {
    /// How files are taken.
    struct Taking: ParsableArguments {
        @Option(name: .long, help: "`headings`, or `chatchat`, which cuts as Langchain-Chatchat does.")
        var splitting = AddOrder.Splitting.headings

        @Option(name: .long, help: "Characters of a chunk.")
        var size = 750

        @Option(name: .long, help: "Characters that a chunk has in common with the one before; else 150.")
        var overlap: Int?

        @Option(name: .long, help: "NAME=VALUE of each document; any number of times.")
        var metadata: [String] = []

        func validate() throws {
            if !(50...100_000).contains(size) { throw ValidationError("--size is no number from 50 to 100000") }
            if let overlap, !(0..<size).contains(overlap) {
                throw ValidationError("--overlap is no number from 0 to --size")
            }
        }

        var order: AddOrder {
            var order = AddOrder()
            (order.splitting, order.size, order.metadata) = (splitting, size, metadata)
            order.overlap = overlap ?? min(150, size / 5)
            return order
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add files, and all those in folders.",
            discussion: """
                A file that cannot be read is named and the rest goes on; the status is 1 then. What is there already \
                with the same content is not read again: said once more, it goes on where it was broken off.
                """)

        @Argument(help: "The base.") var base: String
        @Argument(help: "Files and folders.") var paths: [String]
        @OptionGroup var taking: Taking
        @OptionGroup var options: Options

        func validate() throws {
            if paths.isEmpty { throw ValidationError("name a file or a folder") }
        }

        func run() async throws {
            let (base, paths, order) = (base, paths, taking.order)
            try await options.tell { tool in try await tool.add(paths, to: base, order) }
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a base follow a folder, until Ctrl-C: what is there, what changes, what is removed.")

        @Argument(help: "The base.") var base: String
        @Argument(help: "The folder.") var folder: String
        @OptionGroup var taking: Taking
        @OptionGroup var options: Options

        func run() async throws {
            let (base, folder, order) = (base, folder, taking.order)
            try await options.tell { tool in try await tool.watch(base, folder: folder, order) }
        }
    }

    struct Documents: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the documents of a base.")

        @Argument(help: "The base.") var base: String
        @OptionGroup var options: Options

        func run() async throws { try await options.tell { [base] in try await $0.documents(base) } }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete documents with their files: gone from search and answers when it returns.")

        @Argument(help: "The base.") var base: String
        @Argument(help: "Names of documents.") var names: [String]
        @OptionGroup var options: Options

        func validate() throws {
            if names.isEmpty { throw ValidationError("name a document") }
        }

        func run() async throws {
            try await options.tell { [base, names] tool in try await tool.delete(names, from: base) }
        }
    }
}
