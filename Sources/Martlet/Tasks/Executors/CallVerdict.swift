import MartletBase
import MartletWire

/// What an answer means for the task that asked for it.
enum CallVerdict: Equatable {
    /// It is the task's result.
    case stands
    /// Nobody has begun with the request: it is asked again after a pause, which is no attempt.
    case waits(Duration)
    /// Another attempt, after so many seconds; nil: as the rules of the task say.
    case triesAgain(Double?)
    case fails

    /// Of this server's own, where a request has reached nobody yet.
    private static let notTaken: Set<String> = Set(
        [
            ErrorCode.queueFull, .queueTimeout, .noCapacity, .overloaded, .poolRemoved, .tooManyConnections, .noTarget,
            .shuttingDown,
        ].map(\.text))
    private static let notReached: Set<String> = Set([ErrorCode.connectFailed, .connectTimeout].map(\.text))
    private static let pauses = 1.0...30.0
    private static let usualPause = 2.0

    /// - Parameters:
    ///   - code: What the answer's body says of the error; nil: nothing.
    ///   - retryAfter: In seconds.
    init(status: Int, code: String?, retryAfter: Double?, method: MartletWire.Method) {
        guard status >= 500 || status == 429 else {
            self = .stands
            return
        }
        if let code, Self.notTaken.contains(code) {
            let pause = retryAfter.flatMap { $0.isFinite ? $0 : nil } ?? Self.usualPause
            let bounded = min(max(pause, Self.pauses.lowerBound), Self.pauses.upperBound)
            self = .waits(.milliseconds(Int64(bounded * 1000)))
            return
        }
        // Refused before anything was done: too many, or later, as it says itself.
        let isRefusal = status == 429 || status == 503 && retryAfter != nil
        let isUnseen = code.map(Self.notReached.contains) ?? false
        self = isRefusal || isUnseen || method.isIdempotent ? .triesAgain(retryAfter) : .fails
    }
}

extension MartletWire.Method {
    /// Asked twice, it does what it does once.
    var isIdempotent: Bool { self != .post && self != .patch }
}
