import NIOSSL

/// A TLS setting that cannot be used: which file (or setting), and why.
package struct TLSConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package var file: String
    package var cause: String

    package var description: String { "\(file): \(cause)" }
}

/// Certificates and keys from PEM files, with errors that name the file.
enum PEMFiles {
    static func certificates(_ path: String) throws(TLSConfigurationError) -> [NIOSSLCertificate] {
        try requireReadable(path)
        guard let chain = try? NIOSSLCertificate.fromPEMFile(path), !chain.isEmpty else {
            throw TLSConfigurationError(file: path, cause: "no certificate in it (PEM is expected)")
        }
        return chain
    }

    static func key(_ path: String) throws(TLSConfigurationError) -> NIOSSLPrivateKey {
        try requireReadable(path)
        guard let key = try? NIOSSLPrivateKey(file: path, format: .pem) else {
            throw TLSConfigurationError(file: path, cause: "no private key in it (PEM, no passphrase, is expected)")
        }
        return key
    }

    private static func requireReadable(_ path: String) throws(TLSConfigurationError) {
        if let reason = unreadableReason(path) { throw TLSConfigurationError(file: path, cause: reason) }
    }
}

/// How long a connection that closes in good order waits for the peer's TLS farewell.
let farewellTimeoutSeconds: Int64 = 1

/// The only protocol spoken inside TLS so far.
let applicationProtocols = ["http/1.1"]
