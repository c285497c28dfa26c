import Foundation
import Logging
import MartletTelemetry

/// Serves chains and models until the process is told to stop (SIGTERM, SIGINT).
///
///     try await Martlet.serve {
///         Chain("/joke", Prompt("Tell me a joke about {topic}") | ChatModel("smollm2") | TextOutput())
///         API("/double", Double(), maxBatch: 16)
///     }
///
/// The process starts itself once more: the parent keeps the listening sockets, its child serves, and a crash of a
/// model costs the requests of that moment, not the server. What stands before this call runs in both, what is in the
/// braces in the child alone. Where there is nothing to serve by (a file that is wrong, a model that does not load),
/// the reason is on standard error and the process ends.
///
/// - Parameters:
///   - configuration: `martlet.yaml`: the pools and models that chains ask, and where to listen; nil: none.
///   - host: The address to listen on, where neither the file nor `MARTLET_LISTEN` says one.
///   - port: The port to listen on, likewise.
///   - tasks: Where the ``TaskHandler``s come from, how many run at one time. Of no concern where there is none.
/// - Throws: where no child can be started.
public func serve(
    configuration file: String? = nil, host: String = "127.0.0.1", port: Int = 8000,
    tasks: TaskOptions = TaskOptions(), @ServedBuilder _ served: @Sendable () async throws -> [Served]
) async throws {
    var environment = ProcessInfo.processInfo.environment
    if file == nil, environment["MARTLET_LISTEN"] == nil {
        environment["MARTLET_LISTEN"] = "\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
    guard let keeper = Serving.inherit(environment: environment) else {
        exit(try Serving.supervise(arguments: CommandLine.arguments, environment: environment))
    }
    do {
        let startUp = try StartUp.inProcess(
            try await served(), tasks: tasks, file: file, environment: environment, keeper: keeper)
        try await Serving.serve(startUp, keeper: keeper)
    } catch {
        // The supervisor would start it again, to the same end.
        FileHandle.standardError.write(Data("\(error)\n".utf8))
        exit(1)
    }
}
