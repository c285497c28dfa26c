import Synchronization

/// Where the journal says that records are durable, once somebody listens.
final class SyncHook: Sendable {
    /// A mutex that has a function for its value wraps it anew each time that it is looked at, and keeps the wrapping:
    /// after some ten thousand looks a call needs more stack than there is. A structure's function it leaves alone.
    private struct Handler: Sendable {
        var call: @Sendable (UInt64) -> Void
    }

    private let handler = Mutex<Handler?>(nil)

    func set(_ new: @escaping @Sendable (UInt64) -> Void) { handler.withLock { $0 = Handler(call: new) } }
    func call(_ sequence: UInt64) { handler.withLock { $0 }?.call(sequence) }
}
