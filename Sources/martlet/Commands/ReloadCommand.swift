import ArgumentParser
import Martlet

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Have the running server read its configuration file anew.",
        discussion: """
            Targets that stay keep their counts and their health, streams go on. A file that is wrong changes nothing, \
            and this command says why. SIGHUP does the same.
            """)

    @OptionGroup var console: ConsoleOptions

    func run() async throws {
        let reply = try await console.client().reload()
        print(reply.text)
        guard reply.isSuccess else { throw ExitCode(1) }
    }
}

/// Where the running server's console is.
struct ConsoleOptions: ParsableArguments {
    @Option(name: .long, help: "The console's URL.")
    var console = "http://127.0.0.1:8081"

    @Option(name: .long, help: "The console's token.")
    var token: String?

    func client() throws -> ConsoleClient { try ConsoleClient(url: console, token: token) }
}
