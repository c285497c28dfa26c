import Foundation
import NIOSSL

/// A self-signed certificate, made by openssl, in files of its own.
struct Certificate: Sendable {
    let certificateFile: String
    let keyFile: String

    /// For `localhost` and 127.0.0.1.
    static let ours = Result { try Certificate("ours", names: "DNS:localhost,IP:127.0.0.1") }
    /// Of somebody whom nobody here trusts.
    static let stranger = Result { try Certificate("stranger", names: "DNS:localhost,IP:127.0.0.1") }
    /// For `model.internal` alone.
    static let named = Result { try Certificate("named", names: "DNS:model.internal") }
    /// What takes the place of ours.
    static let renewed = Result { try Certificate("renewed", names: "DNS:localhost,IP:127.0.0.1") }
    /// For the same names, no longer valid.
    static let expired = Result {
        let clock = try WallClock(shiftedBy: -10 * 86_400)
        defer { clock.remove() }
        return try Certificate("expired", names: "DNS:localhost,IP:127.0.0.1", environment: clock.environment)
    }

    private init(_ name: String, names: String, environment: [String: String] = [:]) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-streams-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        certificateFile = folder.appending(path: "\(name).pem").path
        keyFile = folder.appending(path: "\(name).key").path
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=\(names)", "-keyout", keyFile,
            "-out", certificateFile,
        ]
        openssl.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        struct NotMade: Error {}
        guard openssl.terminationStatus == 0 else { throw NotMade() }
    }

    /// What a server needs that shows this certificate.
    var server: NIOSSLContext {
        get throws {
            try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: NIOSSLCertificate.fromPEMFile(certificateFile).map { .certificate($0) },
                    privateKey: .privateKey(NIOSSLPrivateKey(file: keyFile, format: .pem))))
        }
    }

    /// What a client needs that trusts this certificate and no other.
    var client: NIOSSLContext {
        get throws {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .file(certificateFile)
            return try NIOSSLContext(configuration: configuration)
        }
    }
}
