import Glibc
import Synchronization

/// A descriptor that is closed once: when somebody says so, or with its last reference.
package final class OwnedDescriptor: Sendable {
    private static let none: CInt = -1
    private let descriptor: Atomic<CInt>

    package init(_ descriptor: CInt) {
        self.descriptor = Atomic(descriptor)
    }

    deinit {
        close()
    }

    /// nil once it is closed or has another owner.
    package var value: CInt? {
        let descriptor = descriptor.load(ordering: .relaxed)
        return descriptor == Self.none ? nil : descriptor
    }

    /// Leaves the descriptor to the caller; nil when it is closed or has another owner already.
    package func release() -> CInt? {
        let descriptor = descriptor.exchange(Self.none, ordering: .relaxed)
        return descriptor == Self.none ? nil : descriptor
    }

    package func close() {
        if let descriptor = release() { Glibc.close(descriptor) }
    }
}
