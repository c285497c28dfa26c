import Foundation
import Logging
import MartletBase
import MartletNet
import MartletTelemetry
import MartletWorkers

/// `martlet up`: what is to be served, and what the person who started it is told.
package struct StartUp: Sendable {
    private let configuration: Configuration
    /// Said before anything else.
    private let remarks: [String]
    /// The model of the `curl` line; nil: whatever the upstreams have.
    private let model: String?

    /// A file, some upstreams, or the demo models.
    ///
    /// Throws a `ConfigurationError`, which names file, line and key.
    package static func choose(
        file: String?, upstreams: [String], environment: [String: String]
    ) throws(ConfigurationError) -> StartUp {
        if let file {
            let configuration = try Configuration.load(file: file, environment: environment)
            let model = configuration.models.first { $0.name != "*" }?.name
            return StartUp(configuration: configuration, remarks: [], model: model)
        }
        if !upstreams.isEmpty {
            let configuration = try Configuration.upstreams(upstreams, environment: environment)
            return StartUp(configuration: configuration, remarks: [], model: nil)
        }
        let demo = DemoModels(environment: environment)
        return StartUp(
            configuration: try Configuration.embedded(demo.backends, environment: environment), remarks: demo.remarks,
            model: demo.backends.first?.name)
    }

    /// Serves until the process is told to stop.
    package func serve() async throws {
        let sink = try LogSink(.standardError)
        Logs.bootstrap(to: sink)
        let logger = Logger(label: "martlet")
        raiseOpenFiles(logger)
        let server = try Server(configuration, logger: logger)
        try await server.run { addresses in announce(addresses) }
        _ = sink.flush()
    }

    private func raiseOpenFiles(_ logger: Logger) {
        var wanted = 1 << 20
        if case .count(let count) = configuration.limits.openFiles { wanted = count }
        do {
            let limit = try OpenFiles.raise(to: wanted)
            logger.info("open files", metadata: ["soft": "\(limit.soft)", "hard": "\(limit.hard)"])
        } catch {
            logger.warning("the limit on open files could not be raised", metadata: ["error": "\(error)"])
        }
    }

    private func announce(_ addresses: Addresses) {
        var lines = remarks
        for address in addresses.listeners { lines.append("serving      \(address.url)") }
        if let console = addresses.console { lines.append("console      \(console.url)/status and /metrics") }
        if let first = addresses.listeners.first, let curl = curl(first.url) { lines += ["try", "", curl, ""] }
        FileHandle.standardOutput.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    }

    private func curl(_ url: String) -> String? {
        guard let model else { return configuration.models.isEmpty ? nil : "curl \(url)/v1/models" }
        let body = #"{"model":"\#(model)","stream":true,"messages":[{"role":"user","content":"Say hello."}]}"#
        return "curl -N \(url)/v1/chat/completions -H 'Content-Type: application/json' -d '\(body)'"
    }
}
