import MartletBase
import MartletWire
import NIOCore
import Testing

@testable import MartletNet

// One after the other: openssl, waited for, holds a thread that the others would need.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TLSTests {
    let certificates: Certificates

    init() throws { certificates = try Certificates.shared.get() }

    private func server(
        _ script: ScriptedServer.Script = .echo, certificate: String? = nil, key: String? = nil, clientCA: String? = nil
    ) async throws -> ScriptedServer {
        let tls = try TLSServer(
            certificate: certificate ?? certificates.server, key: key ?? certificates.serverKey, clientCA: clientCA)
        return try await ScriptedServer.start(script, tls: tls)
    }

    private func get(_ server: ScriptedServer, host: String = "localhost", _ tls: TLSClient?) async throws -> Int {
        try await withClient {
            try await $0.request(.get, server.url(host: host, scheme: .https), at: server.address, tls: tls).status
        }
    }

    @Test func believesACertificateOfItsAuthority() async throws {
        let server = try await server()
        #expect(try await get(server, TLSClient(ca: certificates.authority)) == 200)
        await server.firstClose()
        #expect(try openConnections(to: server.port) == 0)
        try await server.stop()
    }

    @Test func believesNobodyElse() async throws {
        let server = try await server(certificate: certificates.stranger, key: certificates.strangerKey)
        for tls in [try TLSClient(ca: certificates.authority), nil] {
            await #expect { try await get(server, tls) } throws: { isTLSFailure($0) }
        }
        #expect(try await get(server, TLSClient(verify: false)) == 200)
        try await server.stop()
    }

    @Test func comparesTheAddressWhereThereIsNoName() async throws {
        let addressed = try await server(certificate: certificates.addressed, key: certificates.addressedKey)
        let named = try await server()
        let tls = try TLSClient(ca: certificates.authority)
        #expect(try await get(addressed, host: "127.0.0.1", tls) == 200)
        await #expect { try await get(named, host: "127.0.0.1", tls) } throws: { isTLSFailure($0) }
        try await addressed.stop()
        try await named.stop()
    }

    @Test func comparesTheName() async throws {
        let server = try await server()
        await #expect { try await get(server, host: "example.com", TLSClient(ca: certificates.authority)) } throws: {
            isTLSFailure($0)
        }
        let named = try TLSClient(ca: certificates.authority, serverName: "localhost")
        #expect(try await get(server, host: "example.com", named) == 200)
        try await server.stop()
    }

    @Test func asksClientsForTheirCertificate() async throws {
        let server = try await server(clientCA: certificates.authority)
        await #expect(throws: MartletError.self) { try await get(server, TLSClient(ca: certificates.authority)) }
        let known = try opensslGet(server.port, certificate: certificates.client, key: certificates.clientKey)
        #expect(known.contains("HTTP/1.1 200 OK"))
        let stranger = try opensslGet(server.port, certificate: certificates.stranger, key: certificates.strangerKey)
        #expect(!stranger.contains("HTTP/1.1"))
        try await server.stop()
    }

    @Test func agreesOnHTTP11() async throws {
        let server = try await server()
        let offered = try opensslGet(server.port, extra: ["-alpn", "h2,http/1.1"])
        #expect(offered.contains("ALPN protocol: http/1.1"))
        let foreign = try opensslGet(server.port, extra: ["-alpn", "h2"])
        #expect(foreign.contains("HTTP/1.1 200 OK"))
        try await server.stop()
    }

    @Test func speaksNoOldTLS() async throws {
        let server = try await server()
        let old = try opensslGet(server.port, extra: ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"])
        #expect(!old.contains("HTTP/1.1"))
        try await server.stop()
    }

    @Test func givingUpDoesNotWaitForAFarewell() async throws {
        let server = try await server(.silence)
        let tls = try TLSClient(ca: certificates.authority)
        let waiting = Task { try await get(server, tls) }
        _ = await server.firstRequest()
        #expect(try openConnections(to: server.port) == 1)
        let start = ContinuousClock.now
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        await server.firstClose()
        #expect(ContinuousClock.now - start < .seconds(farewellTimeoutSeconds))
        #expect(try openConnections(to: server.port) == 0)
        try await server.stop()
    }

    @Test func aPeerThatSpeaksNoTLSIsAFailedConnection() async throws {
        let server = try await ScriptedServer.start(.greet("HTTP/1.1 400 Bad Request\r\n\r\n"))
        await #expect { try await get(server, TLSClient(verify: false)) } throws: { isTLSFailure($0) }
        try await server.stop()
    }

    private func isTLSFailure(_ error: any Error) -> Bool {
        guard let error = error as? MartletError else { return false }
        return error.code == .connectFailed && error.cause.hasPrefix("TLS: ")
    }
}
