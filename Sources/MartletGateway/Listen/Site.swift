import MartletExchange
package import MartletNet
import Synchronization

/// What a listener serves, swapped whole when the configuration changes: requests follow the routes of the moment they
/// come in, connections the settings of the moment they were accepted.
package final class Site: Sendable {
    package struct Served: Sendable {
        package var router: Router
        package var settings: FrontSettings
        /// nil: plain text.
        package var tls: TLSServer?

        package init(_ router: Router, settings: FrontSettings = FrontSettings(), tls: TLSServer? = nil) {
            self.router = router
            self.settings = settings
            self.settings.isTLS = tls != nil
            self.tls = tls
        }
    }

    private let current: Mutex<Served>

    package init(_ served: Served) {
        current = Mutex(served)
    }

    package var served: Served { current.withLock { $0 } }

    package var router: Router { current.withLock { $0.router } }

    package func swap(_ served: Served) {
        current.withLock { $0 = served }
    }
}
