import MartletExchange
import Synchronization

/// What a listener serves: its routes, swapped whole when the configuration changes.
package final class Site: Sendable {
    private let current: Mutex<Router>

    package init(_ router: Router) {
        current = Mutex(router)
    }

    package var router: Router { current.withLock { $0 } }

    package func swap(_ router: Router) {
        current.withLock { $0 = router }
    }
}
