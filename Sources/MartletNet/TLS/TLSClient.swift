import NIOCore
package import NIOSSL

/// TLS towards one target: built once, then one handler for each connection. TLS 1.2 or later, ALPN `http/1.1`.
///
/// A certificate that is valid for the address that was dialled passes even where a name was asked for: so NIOSSL
/// compares.
package struct TLSClient: Sendable {
    /// What decides who is believed.
    private struct Trust: Equatable {
        let verify: Bool
        /// nil: the system's.
        let authorities: [NIOSSLCertificate]?
        let serverName: String?
    }

    private let context: NIOSSLContext
    private let trust: Trust
    private var serverName: String? { trust.serverName }

    /// - Parameters:
    ///   - verify: false accepts any certificate of anybody; for tests and closed networks.
    ///   - ca: the authorities to believe, PEM, instead of the system's.
    ///   - serverName: the name to ask for (SNI) and to find in the certificate, when it is not the target's host.
    package init(verify: Bool = true, ca: String? = nil, serverName: String? = nil) throws(TLSConfigurationError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = applicationProtocols
        configuration.shutdownTimeout = .seconds(farewellTimeoutSeconds)
        configuration.certificateVerification = verify ? .fullVerification : .none
        let authorities = try ca.map(PEMFiles.certificates)
        if let authorities { configuration.trustRoots = .certificates(authorities) }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSConfigurationError(file: ca ?? "the system's certificate authorities", cause: "\(error)")
        }
        trust = Trust(verify: verify, authorities: authorities, serverName: serverName)
        if let serverName {
            do {
                _ = try makeHandler(host: serverName)
            } catch {
                throw TLSConfigurationError(file: serverName, cause: "not a server name (\(error))")
            }
        }
    }

    /// Whether a connection that the other made is as good as one of its own.
    package func believesAs(_ other: TLSClient) -> Bool { trust == other.trust }

    /// Verifies with the system's authorities; made when it is first needed, because it reads all of them.
    static let systemDefault = Result { () throws(TLSConfigurationError) in try TLSClient() }

    /// A handler for one connection to `host` (a name, or an address without brackets); first in the pipeline.
    ///
    /// An address cannot be asked for in SNI: the certificate must then name the address that was dialled.
    package func makeHandler(host: String) throws -> NIOSSLClientHandler {
        let name = serverName ?? host
        let isAddress = SocketAddress.literal(name, port: 0) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name)
    }
}
