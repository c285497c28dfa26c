import NIOSSL
import Testing

/// A gateway before one target. What a test wants to say beyond that goes into the pool, its target or the whole file.
struct Setup {
    var url: String
    /// Further keys of the pool, in flow style, each with its comma.
    var pool = ""
    /// Further keys of the target, in flow style.
    var target = ""
    /// Further sections of the file.
    var file = ""

    var text: String {
        """
        threads: 1
        \(file)
        pools:
          p:
            {health: off, breaker: off, keepalive: {idle: 200ms}, \(pool)
             targets: [{url: "\(url)", max_fails: 0, \(target)}]}
        """
    }
}

/// ``withMartlet(_:environment:body:)`` before a backend that the test plays by hand. At the end no state machine has
/// met an event that it should never meet.
func withGateway(
    before backend: RawBackend, scheme: String = "http", pool: String = "", target: String = "", file: String = "",
    _ body: (MartletProcess) async throws -> Void
) async throws {
    let setup = Setup(url: "\(scheme)://127.0.0.1:\(backend.port)", pool: pool, target: target, file: file)
    do {
        try await withMartlet(setup.text) { gateway in
            try await body(gateway)
            #expect(try await gateway.metrics().sum("martlet_impossible_events_total") == 0)
        }
    } catch {
        await backend.stop()
        throw error
    }
    await backend.stop()
}

extension MartletProcess {
    /// A new raw connection of a client.
    func peer(
        tls: NIOSSLContext? = nil, receiveBuffer: Int? = nil, sendsToTheEnd: Bool = false
    ) async throws -> Peer {
        try await Peer.connect(publicPort, tls: tls, receiveBuffer: receiveBuffer, sendsToTheEnd: sendsToTheEnd)
    }

    /// Sends bytes on a connection of their own, and collects what comes until the gateway ends it.
    func exchange(_ request: String) async throws -> Peer.Heard {
        let client = try await peer()
        try await client.send(request)
        return try await client.receive(.end)
    }

    /// The only target's failures by class.
    func failures() async throws -> [String: Int] {
        try await status().pools[0].targets[0].failures
    }
}
