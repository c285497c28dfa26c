import Synchronization

/// Something that happens once, for all threads.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    /// Answers whether it was not set before.
    @discardableResult
    func set() -> Bool { !value.exchange(true, ordering: .relaxed) }
}
