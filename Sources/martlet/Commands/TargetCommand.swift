import ArgumentParser
import Foundation
import Martlet

struct TargetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "target", abstract: "Change the targets of a pool of the running server, without a reload.",
        subcommands: [Add.self, Drain.self, Remove.self])

    struct Where: ParsableArguments {
        @Argument(help: "The pool's name.")
        var pool: String

        @Argument(help: "The target, such as http://10.0.0.13:8000.")
        var url: String

        @OptionGroup var console: ConsoleOptions

        func send(_ action: String, version: String? = nil) async throws {
            let reply = try await console.client().changeTarget(action, pool: pool, url: url, version: version)
            print(reply.text)
            guard reply.isSuccess else { throw ExitCode(1) }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a target; it gets the rules of the pool's first one.")
        @OptionGroup var place: Where

        @Option(name: .long, help: "A label on its metrics.")
        var version: String?

        func run() async throws { try await place.send("add", version: version) }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Send no new requests to a target.")
        @OptionGroup var place: Where

        @Flag(name: .long, help: "Wait until it holds no request any more.")
        var wait = false

        func run() async throws {
            try await place.send("drain")
            guard wait else { return }
            try await place.console.client().waitUntilEmpty(pool: place.pool, url: place.url)
            print("empty")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a target out; its requests in flight end first.")
        @OptionGroup var place: Where
        func run() async throws { try await place.send("remove") }
    }
}
