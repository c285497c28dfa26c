import ArgumentParser
import Foundation
import Martlet

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the models of a Python file, in worker processes.",
        discussion: """
            The file has LitAPI classes, a LitServer, LangChain runnables, or a WSGI or ASGI application. A program \
            that speaks the worker protocol itself is named with its path, such as ./histogram.
            """)

    @Argument(help: "The file, such as model.py, or MODULE:NAME.")
    var app: String

    @Option(name: .long, help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(name: .long, help: "The port to listen on.")
    var port = 8000

    @Option(name: .long, help: "The interpreter instead of python3, such as that of a virtual environment.")
    var python: String?

    @Option(name: .long, help: "The console's address, or `off`.")
    var console = "127.0.0.1:0"

    @Option(name: .long, help: "Event loops; as many as cores when not given.")
    var threads: Int?

    func run() async throws {
        guard let keeper = Serving.inherit(environment: environment) else {
            let status = try Serving.supervise(arguments: CommandLine.arguments, environment: environment)
            throw ExitCode(status)
        }
        let startUp = try tellingMistakes { try StartUp.app(app, python: python, environment: environment) }
        try await Serving.serve(startUp, keeper: keeper)
    }

    /// Flags are the configuration's own keys, said as the environment says them.
    private var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["MARTLET_LISTEN"] = "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        environment[console == "off" ? "MARTLET_CONSOLE" : "MARTLET_CONSOLE_ADDRESS"] = console
        if let threads { environment["MARTLET_THREADS"] = "\(threads)" }
        return environment
    }
}
