/// Where a value was written.
package enum ConfigurationOrigin: Sendable, Hashable {
    /// A line of the file, from 1.
    case line(Int)
    /// An environment variable.
    case variable(String)
    /// An option of the command line, which has no keys: its problems show none.
    case option(String)
}

/// One thing that is wrong, and where: `martlet.yaml:12: pools.chat.targets[1].weight: must be at least 1, not 0`.
package struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
    /// The file's name as the operator gave it.
    package var file: String
    /// nil: the file as a whole.
    package var origin: ConfigurationOrigin?
    /// The keys that lead to it; empty: the file as a whole.
    package var path: String
    package var message: String

    package var description: String {
        let place =
            switch origin {
            case .line(let line): "\(file):\(line)"
            case .variable(let name): name
            case .option(let option): option
            case nil: file
            }
        if case .option = origin { return "\(place): \(message)" }
        return path.isEmpty ? "\(place): \(message)" : "\(place): \(path): \(message)"
    }
}

/// All that is wrong with a configuration; nothing of it was applied.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// In the order of the file, at least one.
    package var problems: [ConfigurationProblem]

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
