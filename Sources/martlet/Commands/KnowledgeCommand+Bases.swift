import ArgumentParser
import Martlet

extension KnowledgeCommand {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a base.")

        @Argument(help: "Its name.") var base: String

        @Option(name: .long, help: "What it is about: models that choose among bases read it.")
        var description = ""

        @Option(name: .long, help: "`sentences`, `e5`, or one of the configuration's models; else the default one.")
        var embedding: String?

        @OptionGroup var options: Options

        func run() async throws {
            let (base, description, embedding) = (base, description, embedding)
            try await options.tell { try await $0.create(base, description: description, embedding: embedding) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the bases.")
        @OptionGroup var options: Options

        func run() async throws { try await options.tell { try await $0.list() } }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a base with all its documents and what was answered from them.")

        @Argument(help: "Its name.") var base: String
        @OptionGroup var options: Options

        func run() async throws { try await options.tell { [base] in try await $0.remove(base) } }
    }

    struct Reembed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change the model of a base's vectors, while it is searched and written.",
            discussion: "Broken off, it is as it was; said once more, it goes on from there.")

        @Argument(help: "Its name.") var base: String

        @Option(name: .long, help: "`sentences`, `e5`, or one of the configuration's models; else the default one.")
        var model: String?

        @OptionGroup var options: Options

        func run() async throws {
            try await options.tell { [base, model] in try await $0.reembed(base, model: model) }
        }
    }

    /// The store and a folder, of which one is to have all that the other one has.
    struct Copying: ParsableArguments {
        @Argument(help: "The backup's folder.") var folder: String
        @OptionGroup var place: Place

        func run(_ copy: (KnowledgePlace, String) async throws -> String) async throws {
            try await KnowledgeCommand.telling {
                print(try await copy(place.place, folder))
                return true
            }
        }
    }

    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy the whole store into a folder that is not there yet, or empty; no other process has it.")
        @OptionGroup var copying: Copying

        func run() async throws { try await copying.run(StoreCare.backUp) }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look a backup through, and put it where there is no store yet.")
        @OptionGroup var copying: Copying

        func run() async throws { try await copying.run(StoreCare.restore) }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read all of a store or a backup, and say what is wrong in it.")

        @Argument(help: "A backup's folder; without it, the store.") var folder: String?
        @OptionGroup var place: Place

        func run() async throws {
            try await KnowledgeCommand.telling {
                let flaws = try await StoreCare.verify(place.place, folder: folder)
                print(flaws.isEmpty ? "nothing is wrong" : flaws.joined(separator: "\n"))
                return flaws.isEmpty
            }
        }
    }
}
