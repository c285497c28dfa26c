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
