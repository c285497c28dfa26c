/// How an attempt at a target went wrong, as far as the target's health is concerned. Each class is counted apart.
///
/// A client that leaves is never one of these.
public enum FailureClass: UInt8, CaseIterable, Sendable {
    /// The connection was refused, or the address is unreachable: nothing was sent.
    case connect
    /// The connection was not made within `timeouts.connect`.
    case connectTimeout
    /// The TLS handshake failed.
    case tls
    /// The connection ended before the first byte of the answer.
    case reset
    /// No byte of the answer within `timeouts.first_byte`.
    case firstByteTimeout
    /// The answer stopped flowing for `timeouts.idle`.
    case stall
    /// The answer ended before its end: a short body, a stream without its terminal marker.
    case truncated
    /// The answer is not HTTP, or breaks its framing.
    case malformed
    /// The target answered 5xx.
    case status5xx
    /// The target answered 429 (its `Retry-After` is honoured).
    case status429
    /// The target was taken out (health check, operator) while the request waited for its first byte.
    case ejected
    /// `timeouts.total`, or the deadline the caller stated, passed: says nothing about the target.
    case deadline
    /// The process had no descriptor for a connection: says nothing about the target, and no other would do better.
    case noDescriptor

    /// Whether the fault lies with the caller's time or with this process: the target is not blamed, and another would
    /// do no better.
    public var concernsNoTarget: Bool { self == .deadline || self == .noDescriptor }

    /// The metric label and the word in `/status`.
    public var text: String {
        switch self {
        case .connect: "connect"
        case .connectTimeout: "connect_timeout"
        case .tls: "tls"
        case .reset: "reset"
        case .firstByteTimeout: "first_byte_timeout"
        case .stall: "stall"
        case .truncated: "truncated"
        case .malformed: "malformed"
        case .status5xx: "status_5xx"
        case .status429: "status_429"
        case .ejected: "ejected"
        case .deadline: "deadline"
        case .noDescriptor: "no_descriptor"
        }
    }
}
