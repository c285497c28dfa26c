import NIOCore
package import NIOSSL

/// TLS for one listener: built once from its files, then one handler for each connection.
///
/// TLS 1.2 or later, ALPN `http/1.1`. A client that offers other protocols only is served HTTP/1.1 all the same.
package struct TLSServer: Sendable {
    private let context: NIOSSLContext

    /// - Parameters:
    ///   - certificate: the certificate and what links it to its authority, PEM, the server's own first.
    ///   - key: its private key, PEM, without a passphrase.
    ///   - clientCA: authorities of client certificates, PEM; set, a client without such a certificate is refused.
    package init(certificate: String, key: String, clientCA: String? = nil) throws(TLSConfigurationError) {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try PEMFiles.certificates(certificate).map { .certificate($0) },
            privateKey: .privateKey(try PEMFiles.key(key)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = applicationProtocols
        configuration.shutdownTimeout = .seconds(farewellTimeoutSeconds)
        if let clientCA {
            configuration.trustRoots = .certificates(try PEMFiles.certificates(clientCA))
            // Clients are known by their authority: they have no host name to compare.
            configuration.certificateVerification = .noHostnameVerification
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSConfigurationError(file: key, cause: "does not fit the certificate in \(certificate) (\(error))")
        }
    }

    /// A handler for one accepted connection; it goes first in the pipeline.
    package func makeHandler() -> NIOSSLServerHandler {
        NIOSSLServerHandler(context: context)
    }
}
