public import MartletBase

/// Bytes that break the rules of their format: what to answer, and which rule in words.
///
/// Carries no part of the bytes themselves, so it may be logged as it is.
public struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What the client is told, or how the target's failure is counted.
    public var code: ErrorCode
    /// The broken rule, such as `two Host fields`.
    public var reason: StaticString

    public init(_ code: ErrorCode, _ reason: StaticString) {
        self.code = code
        self.reason = reason
    }

    public static func == (lhs: WireError, rhs: WireError) -> Bool {
        lhs.code == rhs.code && lhs.reason.description == rhs.reason.description
    }

    public var description: String { "\(code.text): \(reason)" }
}

extension MartletError {
    /// What is told of a broken rule.
    public init(_ error: WireError) {
        self.init(error.code, cause: "\(error.reason)")
        guard error.code == .methodNotAllowed else { return }
        // Refused before anything is found at its path: all that any path takes.
        self = .wrongMethod(allow: Method.allCases.filter { $0 != .other }.map(\.text))
        cause = "\(error.reason)"
    }
}
