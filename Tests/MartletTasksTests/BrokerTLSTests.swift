import Foundation
import Logging
import MartletNet
import NIOCore
import Testing

@testable import MartletTasks

/// `rediss://`, with openssl's own client.
@Suite struct BrokerTLSTests {
    @Test func commandsAreTakenInsideTLS() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-broker-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (certificate, key) = (folder.appending(path: "a.pem").path, folder.appending(path: "a.key").path)
        _ = try openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-keyout", key, "-out", certificate,
        ])
        var settings = BrokerSettings(
            address: try SocketAddress(ipAddress: "127.0.0.1", port: 0), folder: folder.appending(path: "data").path)
        settings.tls = try TLSServer(certificate: certificate, key: key)
        let server = try await BrokerServer.start(settings, logger: Logger(label: "test"))
        let port = server.address.port ?? 0
        let output = try openssl(
            ["s_client", "-connect", "127.0.0.1:\(port)", "-ign_eof"], input: "SET a 1\r\nGET a\r\nQUIT\r\n")
        try await server.stop()
        #expect(output.contains("+OK\r\n$1\r\n1\r\n+OK\r\n"), "\(output)")
    }

    private func openssl(_ arguments: [String], input: String = "") throws -> String {
        let process = Process()
        let (standardInput, standardOutput) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "20", "openssl"] + arguments
        process.standardInput = standardInput
        process.standardOutput = standardOutput
        process.standardError = standardOutput
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let output = try standardOutput.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }
}
