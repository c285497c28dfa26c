import ArgumentParser
import Martlet

struct FdsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fds", abstract: "List what a running Martlet, and every process it runs, has open.",
        discussion: "Sockets with their state, pipes, files, and what there is most of. CLOSE_WAIT is called out.")

    @Argument(help: "A process id, or the URL of a console on this machine.")
    var target = "http://127.0.0.1:8081"

    @OptionGroup var token: TokenOptions

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    func run() async throws {
        let report = try FilesReport(of: try await RunningMartlet.pid(target, token: try token.value()))
        print(json ? try report.json : report.text)
    }
}
