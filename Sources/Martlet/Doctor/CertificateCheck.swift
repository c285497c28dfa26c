import Foundation
import MartletNet
import NIOSSL

/// The files of one `tls` section, as they are found.
enum CertificateFacts: Sendable, Equatable {
    /// They load and belong together; valid between these moments, in seconds since 1970.
    case usable(from: Int, to: Int)
    /// A file that is not there.
    case missing(file: String)
    /// The file at fault, and why.
    case unusable(file: String, cause: String)

    /// What a listener shows.
    init(_ tls: TLSServerConfiguration) {
        self.init(certificate: tls.certificate) {
            _ = try TLSServer(certificate: tls.certificate, key: tls.key, clientCA: tls.clientCA)
        }
    }

    /// Whom a target is believed to be signed by.
    init(authorities file: String) {
        self.init(certificate: file) { _ = try TLSClient(ca: file) }
    }

    private init(certificate file: String, load: () throws -> Void) {
        do {
            try load()
            let chain = try NIOSSLCertificate.fromPEMFile(file)
            // The chain is as good as its worst part.
            self = .usable(
                from: chain.map { Int($0.notValidBefore) }.max() ?? 0,
                to: chain.map { Int($0.notValidAfter) }.min() ?? 0)
        } catch let error as TLSConfigurationError {
            let isThere = FileManager.default.fileExists(atPath: error.file)
            self = isThere ? .unusable(file: error.file, cause: error.cause) : .missing(file: error.file)
        } catch {
            self = .unusable(file: file, cause: "\(error)")
        }
    }
}

enum CertificateCheck {
    private static let day = 86_400

    static func finding(_ check: String, _ certificate: String, _ facts: CertificateFacts, now: Int) -> Finding {
        switch facts {
        case .missing(let file): return .failure(check, "there is no \(file)", remedy: trial(certificate))
        case .unusable(let file, let cause):
            return .failure(
                check, "\(file): \(cause)", remedy: "openssl x509 -noout -subject -dates -in \(certificate)")
        case .usable(let from, let to):
            let remedy = "renew \(certificate) and its key, then: martlet reload"
            let validity = CertificateValidity(file: certificate, from: from, to: to)
            if let problem = validity.problem(at: now) { return .failure(check, problem, remedy: remedy) }
            let seen = "\(certificate) is valid for \((to - now) / day) more days"
            return to - now < 14 * day ? .warning(check, seen, remedy: remedy) : .ok(check, seen)
        }
    }

    /// A pair of files to try with; everybody else's comes from an authority.
    private static func trial(_ certificate: String) -> String {
        "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -out \(certificate) -keyout KEY"
    }
}
