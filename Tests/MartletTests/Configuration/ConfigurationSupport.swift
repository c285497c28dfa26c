import Testing

@testable import Martlet

/// Decodes a text that has to be valid.
func decoded(_ text: String, environment: [String: String] = [:]) throws -> Configuration {
    try Configuration.parse(text, file: "martlet.yaml", environment: environment)
}

/// The problems of a text, one line each; empty when it is valid.
func problems(_ text: String, environment: [String: String] = [:]) -> [String] {
    do {
        _ = try Configuration.parse(text, file: "martlet.yaml", environment: environment)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

/// A valid file with one pool, `chat`, of one target, to which a test adds what it is about.
let onePool = "pools:\n  chat:\n    targets: [http://a:1]\n"
