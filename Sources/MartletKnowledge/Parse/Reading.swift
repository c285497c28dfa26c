import MartletBase
import MartletLogic
import Synchronization

/// One file while it is read: its name for messages, its bounds, and whether anybody still waits for it.
///
/// Readers run on a thread, where no task is cancelled: they ask ``check()`` now and then.
final class Reading: Sendable {
    let name: String
    let limits: ReadingLimits
    private let end: ContinuousClock.Instant
    private let isStopped = Atomic<Bool>(false)

    init(_ name: String, _ limits: ReadingLimits) {
        self.name = name
        self.limits = limits
        end = ContinuousClock.now + limits.time
    }

    /// Nobody waits for the text any more.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// - Parameter textBytes: how much there is so far.
    /// - Throws: `CancellationError` after ``stop()``, `KnowledgeError` beyond a bound.
    func check(textBytes: Int = 0) throws {
        if isStopped.load(ordering: .relaxed) { throw CancellationError() }
        guard ContinuousClock.now < end else { throw tookTooLong }
        guard textBytes <= limits.textBytes else {
            throw tooLarge("its text is longer than \(ByteCount.text(limits.textBytes))")
        }
    }

    var tookTooLong: KnowledgeError { tooLarge("reading it takes longer than \(limits.time.text)") }

    /// - Parameter type: what it was read as; nil: it is not known what it is.
    func unreadable(as type: ContentType? = nil, _ reason: String) -> KnowledgeError {
        KnowledgeError(.unreadable, "\(name) cannot be read\(type.map { " as \($0.title)" } ?? ""): \(reason)")
    }

    func tooLarge(_ reason: String) -> KnowledgeError {
        KnowledgeError(.tooLarge, "\(name) cannot be read: \(reason)")
    }
}
