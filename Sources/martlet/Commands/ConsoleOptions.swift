import ArgumentParser
import Foundation
import Martlet

/// Where the running server's console is.
struct ConsoleOptions: ParsableArguments {
    @Option(name: .long, help: "The console's URL.")
    var console = "http://127.0.0.1:8081"

    @OptionGroup var token: TokenOptions

    func client() throws -> ConsoleClient { try ConsoleClient(url: console, token: try token.value()) }
}

/// The console's token.
struct TokenOptions: ParsableArguments {
    @Option(name: .long, help: "The console's token. `ps` shows it to all: better MARTLET_CONSOLE_TOKEN or a file.")
    var token: String?

    @Option(name: .long, help: "A file that holds the console's token.")
    var tokenFile: String?

    func value() throws -> String? {
        try ConsoleToken.choose(given: token, file: tokenFile, environment: ProcessInfo.processInfo.environment)
    }
}
