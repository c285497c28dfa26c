/// Whose fault an error is. Decides who reads about it and whether the target's health hears of it.
public enum Fault: String, Sendable {
    /// The client sent something wrong.
    case caller
    /// A limit or rule that the operator set.
    case policy
    /// The target failed.
    case upstream
    /// A model process failed.
    case worker
    /// Martlet itself.
    case `self`
}

/// Whether trying again may help.
public enum RetryVerdict: String, Sendable {
    case no, yes
}

/// The one error that leaves a room. HTTP bodies, metric labels and log lines are derived from its `code`.
public struct MartletError: Error, Sendable, CustomStringConvertible {
    /// The stable, machine-readable word, such as `upstream_timeout`; see ``ErrorCode``.
    public var code: ErrorCode
    /// What was being done, such as `connect http://10.0.0.1:8000`.
    public var operation: String
    /// What went wrong underneath, in words.
    public var cause: String
    /// Of `method_not_allowed`: the methods that are, which the answer's `Allow` lists (RFC 9110 §15.5.6).
    public private(set) var allowed: [String] = []

    public init(_ code: ErrorCode, operation: String = "", cause: String = "") {
        self.code = code
        self.operation = operation
        self.cause = cause
    }

    /// The method is none of `methods`: the only way to say so, because every such answer lists them.
    public static func wrongMethod(allow methods: [String]) -> MartletError {
        var error = MartletError(.methodNotAllowed, cause: "use \(methods.joined(separator: ", "))")
        error.allowed = methods
        return error
    }

    public var description: String {
        [code.text, operation, cause].filter { !$0.isEmpty }.joined(separator: ": ")
    }
}

/// Every error a client can meet, with its status, its owner and whether to try again: one table.
public enum ErrorCode: UInt8, CaseIterable, Sendable {
    // caller
    case badRequest, invalidBody, unauthorized, notFound, modelNotFound, methodNotAllowed, bodyTooLarge
    case headersTooLarge, targetTooLong, expectationFailed, requestTimeout, versionNotSupported, codingNotSupported
    // policy
    case queueFull, queueTimeout, noCapacity, deadlineExceeded, overloaded, poolRemoved, tooManyConnections
    case shuttingDown
    // upstream
    case noTarget, connectFailed, connectTimeout, firstByteTimeout, idleTimeout, totalTimeout, upstreamReset
    case upstreamTruncated, upstreamMalformed
    // worker
    case workerFailed, workerCrashed, requestQuarantined
    // self
    case internalError

    /// The word in error bodies, metrics and logs.
    public var text: String { row.text }
    /// The HTTP status when the response head has not been sent.
    public var status: Int { row.status }
    /// Whose fault it is.
    public var fault: Fault { row.fault }
    /// Whether the caller may try again.
    public var retry: RetryVerdict { row.retry }

    private var row: (text: String, status: Int, fault: Fault, retry: RetryVerdict) {
        switch self {
        case .badRequest: ("bad_request", 400, .caller, .no)
        case .invalidBody: ("invalid_body", 400, .caller, .no)
        case .unauthorized: ("unauthorized", 401, .caller, .no)
        case .notFound: ("not_found", 404, .caller, .no)
        case .modelNotFound: ("model_not_found", 404, .caller, .no)
        case .methodNotAllowed: ("method_not_allowed", 405, .caller, .no)
        case .requestTimeout: ("request_timeout", 408, .caller, .yes)
        case .bodyTooLarge: ("body_too_large", 413, .caller, .no)
        case .targetTooLong: ("uri_too_long", 414, .caller, .no)
        case .expectationFailed: ("expectation_failed", 417, .caller, .no)
        case .headersTooLarge: ("headers_too_large", 431, .caller, .no)
        case .codingNotSupported: ("transfer_coding_not_supported", 501, .caller, .no)
        case .versionNotSupported: ("http_version_not_supported", 505, .caller, .no)
        case .queueFull: ("queue_full", 503, .policy, .yes)
        case .queueTimeout: ("queue_timeout", 503, .policy, .yes)
        case .noCapacity: ("no_capacity", 503, .policy, .yes)
        case .deadlineExceeded: ("deadline_exceeded", 504, .policy, .no)
        case .overloaded: ("overloaded", 503, .policy, .yes)
        case .poolRemoved: ("pool_removed", 503, .policy, .yes)
        case .tooManyConnections: ("too_many_connections", 429, .policy, .yes)
        case .shuttingDown: ("shutting_down", 503, .policy, .yes)
        case .noTarget: ("no_target", 502, .upstream, .yes)
        case .connectFailed: ("connect_failed", 502, .upstream, .yes)
        case .connectTimeout: ("connect_timeout", 502, .upstream, .yes)
        case .firstByteTimeout: ("first_byte_timeout", 504, .upstream, .yes)
        case .idleTimeout: ("idle_timeout", 504, .upstream, .yes)
        case .totalTimeout: ("total_timeout", 504, .upstream, .no)
        case .upstreamReset: ("upstream_reset", 502, .upstream, .yes)
        case .upstreamTruncated: ("upstream_truncated", 502, .upstream, .yes)
        case .upstreamMalformed: ("upstream_malformed", 502, .upstream, .no)
        case .workerFailed: ("worker_failed", 500, .worker, .no)
        case .workerCrashed: ("worker_crashed", 502, .worker, .yes)
        case .requestQuarantined: ("request_quarantined", 500, .worker, .no)
        case .internalError: ("internal_error", 500, .self, .no)
        }
    }
}
