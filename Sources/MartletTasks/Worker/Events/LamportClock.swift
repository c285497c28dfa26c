import Synchronization

/// The logical clock that orders events and commands of all workers: each thing that happens here makes it one later,
/// and it is never behind what was heard from elsewhere.
package final class LamportClock: Sendable {
    private let time = Atomic<Int>(0)

    package init() {}

    package var value: Int { time.load(ordering: .relaxed) }

    /// Something happens: its time.
    @discardableResult
    package func forward() -> Int { time.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Something was heard of that happened at `other`: the time of hearing it.
    @discardableResult
    package func adjust(_ other: Int) -> Int {
        var known = value
        // A time that nobody can reach would stop all clocks.
        let heard = min(max(other, 0), Int.max / 2)
        while true {
            let next = max(known, heard) + 1
            let (exchanged, original) = time.compareExchange(
                expected: known, desired: next, ordering: .relaxed)
            if exchanged { return next }
            known = original
        }
    }
}
