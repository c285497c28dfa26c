import Foundation

/// The variables that tell Martlet something, the console's token among them. The processes that it runs have no
/// business with them.
enum OwnVariables {
    static var names: [String] { names(among: ProcessInfo.processInfo.environment.keys) }

    /// Of those and others, what a program that a task starts is not to know: whoever may have it run need not be who
    /// may do all with the broker, or ask every path.
    static var secrets: [String] {
        names + ["CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "LIT_SERVER_API_KEY", "LIT_SHUTDOWN_API_KEY"]
    }

    static func names(among names: some Sequence<String>) -> [String] { names.filter { $0.hasPrefix("MARTLET_") } }
}
