import Foundation

/// The console's token, as the command line is told it.
package enum ConsoleToken {
    /// The variable that overrides `console.token` for the server, too.
    package static let variable = "MARTLET_CONSOLE_TOKEN"

    /// `given`, else what `file` holds, else the variable; nil: none. Throws when the file cannot be read.
    package static func choose(given: String?, file: String?, environment: [String: String]) throws -> String? {
        if let given { return given }
        if let file {
            let text = try String(contentsOf: URL(fileURLWithPath: file), encoding: .utf8)
            return text.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }
}
