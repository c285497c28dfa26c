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
        _ = try await openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-keyout", key, "-out", certificate,
        ])
        var settings = BrokerSettings(
            address: try SocketAddress(ipAddress: "127.0.0.1", port: 0), folder: folder.appending(path: "data").path)
        settings.tls = try TLSServer(certificate: certificate, key: key)
        let server = try await BrokerServer.start(settings, logger: Logger(label: "test"))
        let port = server.address.port ?? 0
        let output = try await openssl(
            ["s_client", "-connect", "127.0.0.1:\(port)", "-ign_eof"], input: #"SET a 1\r\nGET a\r\nQUIT\r\n"#)
        try await server.stop()
        #expect(output.replacing("\r", with: "").contains("+OK\n$1\n1\n+OK\n"), "\(output)")
    }

    /// What openssl prints, line by line. `input` is typed.
    private func openssl(_ arguments: [String], input: String = "") async throws -> String {
        let (lines, printed) = AsyncStream<String>.makeStream()
        let program = ["timeout", "20", "sh", "-c", #"printf "$0" | openssl "$@" 2>&1"#, input] + arguments
        _ = await ChildProcess(ChildCommand(arguments: program)).run(
            onStart: { _ in }, onLine: { _, line in printed.yield(line) })
        printed.finish()
        return await lines.reduce(into: "") { $0 += $1 + "\n" }
    }
}
