import Logging
import MartletBase

/// Which key is asked for where `LIT_SERVER_API_KEY` sets one. What this process answers itself, models and chains in
/// Swift and what is served beside all APIs, asks for the process's own. The workers of an app ask for the one in their
/// environment, which is the process's unless `workers[].environment` says another: by themselves, where they say so
/// in `READY`, else their route does it for them.
enum Keyed {
    private static let variable = "LIT_SERVER_API_KEY"

    /// The key of these variables; nil: none is asked for.
    static func key(in environment: [String: String]) -> Secret? {
        environment[variable].flatMap { $0.isEmpty ? nil : Secret($0) }
    }

    /// Says which apps have another key than this process.
    static func warn(of workers: [WorkersConfiguration], besides environment: [String: String], _ logger: Logger) {
        let own = key(in: environment)
        for app in workers where app.key(in: environment) != own {
            logger.warning(
                "the workers of an app have another LIT_SERVER_API_KEY than Martlet: it is for their paths alone",
                metadata: ["app": "\(app.name)"])
        }
    }
}

extension WorkersConfiguration {
    /// What its workers' clients must show; nil: nothing.
    ///
    /// - Parameter inherited: The variables of this process.
    func key(in inherited: [String: String]) -> Secret? {
        Keyed.key(in: inherited.merging(environment) { $1 })
    }
}
