import MartletBase
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#endif

/// Who leaves when, and the books.
extension LoadLoop {
    /// Nanoseconds since the whole run began.
    func age(_ now: UInt64) -> UInt64 { now &- min(share.origin, now) }

    /// After how long this client is to leave, for those that are chosen to.
    func timeToLeave() -> UInt64? {
        guard options.leave > 0, Double.random(in: 0..<1, using: &random) < options.leave else { return nil }
        let limit = UInt64(clamping: max(options.leaveWithin.wholeNanoseconds, 1))
        return UInt64.random(in: 0...limit, using: &random)
    }

    /// A name for the next request, unlike those of other loops.
    func nextID() -> String? {
        guard let prefix = options.idPrefix else { return nil }
        defer { lastNumber += 1 }
        return "\(prefix)-\(lastNumber * share.of + share.index)"
    }

    /// Whether the body is what it should be.
    func accepts(_ body: ByteBuffer) -> Bool {
        if let reference { return body == reference }
        if let length = options.expectedLength, body.readableBytes != length { return false }
        if let hash = options.expectedHash, BodyHash.of(body) != hash { return false }
        reference = body
        return true
    }

    /// A request that no connection was found for.
    func neverSent(_ failure: LoadFailure, began: UInt64, now: UInt64) {
        let entry = LedgerEntry(id: nextID(), status: 0, events: 0, began: began, first: nil, ended: now)
        count(.failed(failure), entry)
    }

    func count(_ end: LoadConnection.End, _ entry: LedgerEntry) {
        lastEnd = max(lastEnd, entry.ended)
        report.series.ended(end, at: age(entry.ended))
        let outcome: String
        switch end {
        case .completed:
            outcome = "completed"
            report.completed += 1
            report.latency.add(entry.ended &- min(entry.began, entry.ended))
            if let first = entry.first { report.firstOfCompleted.add(first &- min(entry.began, first)) }
        case .left:
            outcome = "left"
            report.left += 1
        case .unfinished:
            outcome = "unfinished"
            report.unfinished += 1
        case .failed(let kind):
            outcome = kind.rawValue
            report.failures[kind, default: 0] += 1
        }
        guard options.keepsLedger else { return }
        var entry = entry
        entry.outcome = outcome
        report.ledger.append(entry)
    }

    func noteConnectFailure(_ error: any Error) {
        let cause: ConnectFailure
        switch error {
        case let error as IOError where error.errnoCode == ECONNREFUSED: cause = .refused
        case let error as IOError where error.errnoCode == ECONNRESET: cause = .reset
        case let error as IOError where error.errnoCode == ETIMEDOUT: cause = .timeout
        case ChannelError.connectTimeout: cause = .timeout
        default: cause = .other
        }
        report.connectFailures[cause, default: 0] += 1
    }
}
