/// How a request ended, once, for the ledger: the metric label and the word in the access log.
public enum Outcome: UInt8, CaseIterable, Sendable {
    /// The whole answer reached the client (whatever its status).
    case completed
    /// The client left first. Never counted against the target.
    case clientGone
    /// Refused before a target was tried: a bad request, no route, a full queue, no capacity.
    case refused
    /// Every attempt failed before the response head was sent.
    case upstreamFailed
    /// The answer broke off after its head was sent; the client was told.
    case truncated
    /// A deadline passed.
    case timedOut
    /// The server is going away.
    case drained
    /// A defect of ours ended this one request.
    case poisoned

    public var text: String {
        switch self {
        case .completed: "completed"
        case .clientGone: "client_gone"
        case .refused: "refused"
        case .upstreamFailed: "upstream_failed"
        case .truncated: "truncated"
        case .timedOut: "timed_out"
        case .drained: "drained"
        case .poisoned: "poisoned"
        }
    }
}

/// Why an attempt is called off.
public enum CancelReason: UInt8, Sendable {
    case clientGone, timeout, replaced, drain, slowReader, shutdown
}
