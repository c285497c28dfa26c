import Foundation

/// The variables that tell Martlet something, the console's token among them. The processes that it runs have no
/// business with them.
enum OwnVariables {
    static var names: [String] { names(among: ProcessInfo.processInfo.environment.keys) }

    static func names(among names: some Sequence<String>) -> [String] { names.filter { $0.hasPrefix("MARTLET_") } }
}
