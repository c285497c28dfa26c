/// What one check of `martlet doctor` found.
package struct Finding: Sendable, Equatable {
    package enum Verdict: String, Sendable, CaseIterable {
        case ok
        /// Serves, but not as well as it could, or not for long.
        case warning
        /// Does not serve.
        case failure
    }

    /// What was looked at: a setting of the kernel, a key of the configuration, an address, a target.
    package var check: String
    package var verdict: Verdict
    /// What was seen, in a few words.
    package var seen: String
    /// The one command or line that mends it; nil when all is well.
    package var remedy: String?

    static func ok(_ check: String, _ seen: String) -> Finding {
        Finding(check: check, verdict: .ok, seen: seen)
    }

    static func warning(_ check: String, _ seen: String, remedy: String) -> Finding {
        Finding(check: check, verdict: .warning, seen: seen, remedy: remedy)
    }

    static func failure(_ check: String, _ seen: String, remedy: String) -> Finding {
        Finding(check: check, verdict: .failure, seen: seen, remedy: remedy)
    }
}
