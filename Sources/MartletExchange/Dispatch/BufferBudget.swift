import Synchronization

/// The bound on the bytes that all requests of the process hold in memory together: bodies read ahead, answers that a
/// slow client does not take. Each request has its own bounds beside it.
package final class BufferBudget: Sendable {
    private let bound: Atomic<Int>
    private let used = Atomic<Int>(0)

    package init(limit: Int) {
        bound = Atomic(limit)
    }

    package var limit: Int {
        get { bound.load(ordering: .relaxed) }
        set { bound.store(newValue, ordering: .relaxed) }
    }

    package var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Nothing more may be read ahead: bodies that would have to be held are refused, and answers that nobody takes are
    /// called off.
    package var isExhausted: Bool { usedBytes >= limit }

    /// Counts `bytes` as held; negative ones are given back.
    package func charge(_ bytes: Int) {
        used.add(bytes, ordering: .relaxed)
    }
}
