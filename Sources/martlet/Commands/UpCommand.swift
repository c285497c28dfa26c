import ArgumentParser
import Foundation
import Martlet

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Serve: a configuration file, some upstreams, or the small demo models.")

    @Argument(help: "The configuration file; see `martlet check`.")
    var file: String?

    @Option(name: .long, help: "A model backend, such as http://vllm1:8000. May be given again.")
    var upstream: [String] = []

    @Option(name: .long, help: "Listen here instead of 127.0.0.1:8080.")
    var listen: String?

    @Option(name: .long, help: "The console's address instead of 127.0.0.1:8081, or `off`.")
    var console: String?

    @Option(name: .long, help: "Event loops; as many as cores when not given.")
    var threads: Int?

    func validate() throws {
        if file != nil, !upstream.isEmpty {
            throw ValidationError("give a configuration file or --upstream, not both")
        }
    }

    func run() async throws {
        guard let keeper = Serving.inherit(environment: environment) else {
            let status = try Serving.supervise(arguments: CommandLine.arguments, environment: environment)
            throw ExitCode(status)
        }
        let startUp = try tellingMistakes {
            try StartUp.choose(file: file, upstreams: upstream, environment: environment, keeper: keeper)
        }
        try await Serving.serve(startUp, keeper: keeper)
    }

    /// Flags are the configuration's own keys, said as the environment says them.
    private var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        if let listen { environment["MARTLET_LISTEN"] = listen }
        if let console { environment[console == "off" ? "MARTLET_CONSOLE" : "MARTLET_CONSOLE_ADDRESS"] = console }
        if let threads { environment["MARTLET_THREADS"] = "\(threads)" }
        return environment
    }
}
