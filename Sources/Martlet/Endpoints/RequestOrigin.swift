import Foundation
import MartletNet
import MartletWire

/// Where a browser says that a request comes from, against pages that make a name of their own mean this machine.
enum RequestOrigin {
    /// Whether it comes from no browser's page, or from one that may ask: of this machine, or of this very server where
    /// its name cannot be another's. A name is one's own over TLS alone; an address always is.
    static func isOwn(_ headers: HeaderBlock) -> Bool {
        guard let origin = headers.value(.origin) else { return true }
        guard let url = URLComponents(string: origin.lowercased()), let scheme = url.scheme, let host = url.host,
            ["http", "https"].contains(scheme)
        else { return false }
        let bare = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        if ["localhost", "127.0.0.1", "::1"].contains(bare) { return true }
        guard let own = headers.value(.host)?.lowercased(), origin.lowercased() == "\(scheme)://\(own)" else {
            return false
        }
        return scheme == "https" || AddressRange(text: bare) != nil
    }
}
