import ArgumentParser
import Foundation
import Martlet

struct KnowledgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kb", abstract: "Knowledge bases: documents in, cited answers out.",
        discussion: """
            A running server is asked with --url. Without it the store of the configuration is opened in this process, \
            which no other may have open meanwhile.
            """,
        subcommands: [
            Create.self, List.self, Remove.self, Reembed.self, Add.self, Watch.self, Documents.self, Delete.self,
            Ask.self, Search.self, Evaluate.self, Backup.self, Restore.self, Verify.self,
        ])

    /// Where the knowledge is.
    struct Place: ParsableArguments {
        @Option(name: .long, help: "A running server, such as http://127.0.0.1:8080.")
        var url: String?

        @Option(name: .long, help: "The server's key. `ps` shows it to all: better LIT_SERVER_API_KEY.")
        var key: String?

        @Option(name: [.customShort("c"), .customLong("config")], help: "A martlet.yaml with `knowledge`.")
        var configuration: String?

        func validate() throws {
            if url != nil, configuration != nil { throw ValidationError("give --url or --config, not both") }
            if url == nil, key != nil { throw ValidationError("--key goes with --url") }
        }

        var place: KnowledgePlace {
            KnowledgePlace(
                url: url, key: key, configuration: configuration, environment: ProcessInfo.processInfo.environment)
        }
    }

    struct Options: ParsableArguments {
        @OptionGroup var place: Place

        @Flag(name: .long, help: "Print JSON.")
        var json = false

        /// Ends with status 1 where `body` is not content, and says what stands in its way.
        func tell(_ body: @escaping @Sendable (KnowledgeTool) async throws -> Bool) async throws {
            try await KnowledgeCommand.telling {
                try await KnowledgeTool.using(place.place, isJSON: json, body)
            }
        }

        func tell(_ body: @escaping @Sendable (KnowledgeTool) async throws -> Void) async throws {
            try await tell { tool in
                try await body(tool)
                return true
            }
        }
    }

    /// Ends with status 2 for a mistake in the configuration, 130 when it is interrupted.
    static func telling(_ body: () async throws -> Bool) async throws {
        try await tellingFailures {
            do {
                guard try await body() else { throw ExitCode(1) }
            } catch let error as ConfigurationError {
                _ = try tellingMistakes { throw error }
            } catch is CancellationError {
                throw ExitCode(130)
            }
        }
    }
}
