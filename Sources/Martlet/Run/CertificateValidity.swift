import Foundation

/// From when to when the certificate of a listener, its chain included, is valid.
struct CertificateValidity: Sendable, Equatable {
    var file: String
    /// In seconds since 1970.
    var from: Int
    var to: Int

    /// Why it is not valid at `now`; nil when it is.
    func problem(at now: Int) -> String? {
        if now < from { return "\(file) is not valid before \(Self.date(from))" }
        if now > to { return "\(file) expired on \(Self.date(to))" }
        return nil
    }

    private static func date(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
}

extension CertificateValidity {
    /// nil for files that do not load.
    init?(_ tls: TLSServerConfiguration) {
        guard case .usable(let from, let to) = CertificateFacts(tls) else { return nil }
        self.init(file: tls.certificate, from: from, to: to)
    }
}

/// A certificate that is not valid would take the place of one that is.
struct LapsedCertificate: Error, CustomStringConvertible {
    let description: String
}
