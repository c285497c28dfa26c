import Foundation
import Logging
import MartletNet
import MartletTelemetry

/// `martlet up` as two processes: a parent that keeps the sockets, and its child that serves.
package enum Serving {
    /// What was started, without its folder.
    static var program: String {
        CommandLine.arguments.first.map { URL(fileURLWithPath: $0).lastPathComponent } ?? "martlet"
    }

    /// The parent: starts children until the last one ended; answers the status to exit with.
    package static func supervise(arguments: [String], environment: [String: String]) throws -> Int32 {
        let sink = try LogSink(.standardError)
        defer { _ = sink.flush() }
        Logs.bootstrap(to: sink)
        let logger = Logger(label: "martlet.supervisor")
        return try Supervisor(arguments: arguments, environment: environment, logger: logger).run()
    }

    /// What a child was handed; nil in a process without such a parent.
    package static func inherit(environment: [String: String]) -> SocketKeeper? {
        let parent = environment[Supervisor.variable].flatMap { Int32($0) }
        guard let line = parent.flatMap({ HandoverSocket.inherited(from: $0) }) else { return nil }
        // Not for those that this process starts itself.
        // SAFETY: the name is terminated, and no other thread reads the environment yet.
        unsafe unsetenv(Supervisor.variable)
        return SocketKeeper(parent: line)
    }

    /// The child: serves until the process is told to stop.
    package static func serve(_ startUp: StartUp, keeper: SocketKeeper) async throws {
        // Started as `/proc/self/exe`, it would be called `exe` by `ps` and `top`.
        try? Data(program.utf8).write(to: URL(fileURLWithPath: "/proc/self/comm"))
        let sink = try LogSink(.standardError)
        Logs.bootstrap(to: sink)
        try await startUp.serve(keeper: keeper, logger: Logger(label: "martlet"))
        _ = sink.flush()
    }
}
