import Foundation
import NIOCore
import NIOSSL
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Certificates that are wrong, change under traffic, or are never asked for.
@Suite(.serialized, .timeLimit(.minutes(1))) struct CertificateTests {
    // MARK: Those of targets

    enum Wrong: CaseIterable { case expired, unknownAuthority, otherHost }

    /// Nothing is sent to a target that cannot prove who it is, and the one beside it serves everybody.
    @Test(arguments: Wrong.allCases) func targetWithAWrongCertificateGetsNothing(wrong: Wrong) async throws {
        let shown =
            switch wrong {
            case .expired: try Certificate.expired.get()
            case .unknownAuthority: try Certificate.stranger.get()
            case .otherHost: try Certificate.named.get()
            }
        let believed = wrong == .unknownAuthority ? try Certificate.ours.get() : shown
        let impostor = try await RawBackend.start(tls: shown.server)
        let reached = Mutex(0)
        impostor.play { peer, _ in
            if try await peer.takeHead() != nil { reached.withLock { $0 += 1 } }
        }
        try await withBackend { _, _ in .ok("good") } body: { good in
            let tls = "tls: {ca: \"\(believed.certificateFile)\"}"
            let targets = [
                "{url: \"https://127.0.0.1:\(impostor.port)\", max_fails: 0, \(tls)}", "{url: \(good.url)}",
            ]
            try await withMartlet(onePool(targets, "balance: round_robin")) { martlet in
                for _ in 0..<8 { #expect(try await martlet.post().expect(200).body == "good") }
                let failures = try await martlet.status().target(impostor.port)?.failures ?? [:]
                #expect(failures["tls", default: 0] > 0, "\(failures)")
                #expect(reached.withLock { $0 } == 0, "no request went to it")
            }
        }
        await impostor.stop()
    }

    // MARK: The server's own

    /// A gateway with TLS in front of one backend, its certificate in files that may be replaced.
    private struct Front {
        let martlet: MartletProcess
        let configuration: String

        func install(_ certificate: Certificate, key: Certificate? = nil) throws {
            let folder = martlet.directory
            let key = (key ?? certificate).keyFile
            for (source, name) in [(certificate.certificateFile, "own.pem"), (key, "own.key")] {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: source))
                try bytes.write(to: folder.appending(path: name), options: .atomic)
            }
        }

        /// Whether a client that believes in this certificate is served.
        func serves(_ certificate: Certificate) async throws -> Bool {
            guard let client = try? await martlet.peer(tls: certificate.client) else { return false }
            try? await client.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let heard = try await client.receive(.end)
            await client.close()
            return heard.text.hasPrefix("HTTP/1.1 200 ") && heard.text.hasSuffix("ok")
        }
    }

    private static func serve(_ more: String = "", body: (Front, RawBackend) async throws -> Void) async throws {
        let own = try Certificate.ours.get()
        let backend = try await RawBackend.start()
        let listen = #"listen: [{address: "127.0.0.1:0", tls: {certificate: "{dir}/own.pem", key: "{dir}/own.key"}}]"#
        let target = "{url: \"http://127.0.0.1:\(backend.port)\", max_fails: 0}"
        let configuration = onePool([target], more: [listen, more].joined(separator: "\n"))
        // The files are in the process's folder before it reads them.
        let copy = "cp '\(own.certificateFile)' {dir}/own.pem && cp '\(own.keyFile)' {dir}/own.key && exec \"$@\""
        do {
            try await withMartlet(configuration, under: ["/bin/sh", "-c", copy, "sh"]) { martlet in
                try await body(Front(martlet: martlet, configuration: configuration), backend)
                #expect(try await martlet.metrics().sum("martlet_impossible_events_total") == 0)
            }
        } catch {
            await backend.stop()
            throw error
        }
        await backend.stop()
    }

    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    @Test func noRequestFailsWhileTheCertificateIsRenewed() async throws {
        try await Self.serve { front, backend in
            backend.answer { _ in Self.ok }
            let (own, renewed) = (try Certificate.ours.get(), try Certificate.renewed.get())
            let lasting = try await front.martlet.peer(tls: own.client)
            let stop = StopFlag()
            let clients = Task {
                try await withThrowingTaskGroup(of: (served: Int, failed: Int).self) { group in
                    for _ in 0..<4 {
                        group.addTask { try await Self.ask(front, believing: [own, renewed], until: stop) }
                    }
                    return try await group.reduce(into: (served: 0, failed: 0)) {
                        $0 = ($0.served + $1.served, $0.failed + $1.failed)
                    }
                }
            }
            for number in 1...20 {
                try front.install(number % 2 == 0 ? own : renewed)
                try await front.martlet.reload(front.configuration)
            }
            stop.isSet = true
            let (served, failed) = try await clients.value
            #expect(failed == 0, "of \(served + failed)")
            #expect(served > 20)
            try front.install(renewed)
            try await front.martlet.reload(front.configuration)
            #expect(try await front.serves(renewed))
            #expect(try await !front.serves(own), "the former one is shown no more")
            // A connection of before lives on.
            try await lasting.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await lasting.receive(.ending("ok")).text.hasPrefix("HTTP/1.1 200 "))
            await lasting.close()
        }
    }

    /// One connection after the other, each with a handshake of its own, believing in both certificates.
    private static func ask(
        _ front: Front, believing believed: [Certificate], until stop: StopFlag
    ) async throws -> (served: Int, failed: Int) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        let roots = try believed.flatMap { try NIOSSLCertificate.fromPEMFile($0.certificateFile) }
        configuration.trustRoots = .certificates(roots)
        let context = try NIOSSLContext(configuration: configuration)
        var (served, failed) = (0, 0)
        while !stop.isSet {
            let client = try await front.martlet.peer(tls: context)
            try? await client.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let heard = try await client.receive(.end)
            if heard.text.hasPrefix("HTTP/1.1 200 "), heard.text.hasSuffix("ok") { served += 1 } else { failed += 1 }
            await client.close()
        }
        return (served, failed)
    }

    enum Bad: CaseIterable { case noCertificate, keyOfAnother, expired }

    @Test(arguments: Bad.allCases) func renewalThatWentWrongChangesNothingAndSaysWhy(bad: Bad) async throws {
        try await Self.serve { front, backend in
            backend.answer { _ in Self.ok }
            let (own, renewed) = (try Certificate.ours.get(), try Certificate.renewed.get())
            let file = front.martlet.directory.appending(path: "own.pem")
            let reason: String
            switch bad {
            case .noCertificate:
                try Data("-----BEGIN CERTIFICATE-----\nhalf of it".utf8).write(to: file)
                reason = "no certificate in it"
            case .keyOfAnother:
                try front.install(renewed, key: own)
                reason = "does not fit the certificate"
            case .expired:
                try front.install(try Certificate.expired.get())
                reason = "expired"
            }
            let answer = try await front.martlet.tryReload(front.configuration)
            #expect(answer.status == 400)
            #expect(answer.body.contains(reason) && answer.body.contains("own."), "\(answer.body)")
            kill(front.martlet.processID, SIGHUP)
            try await until("the log to say so") { front.martlet.log().contains("the former one stays") }
            #expect(front.martlet.log().contains(reason))
            #expect(try await front.serves(own))
        }
    }

    /// A server whose only certificate has expired serves those who do not look, as it did the moment before: the log
    /// says so, and what else is in the file can still be changed.
    @Test func certificateThatExpiresWhileItIsServedStandsInTheWayOfNothing() async throws {
        try await Self.serve { front, backend in
            backend.answer { _ in Self.ok }
            let expired = try Certificate.expired.get()
            let listen = """
                listen: [{address: "127.0.0.1:0", tls: {certificate: "\(expired.certificateFile)", key: \
                "\(expired.keyFile)"}}]
                """
            let target = "{url: \"http://127.0.0.1:\(backend.port)\"}"
            try await withMartlet(onePool([target], more: listen)) { martlet in
                #expect(martlet.log().contains("certificate is not valid"))
                let answer = try await martlet.tryReload(onePool([target], "balance: round_robin", more: listen))
                #expect(answer.status == 200, "\(answer.body)")
            }
        }
    }

    // MARK: Handshakes

    /// Silent, or in the middle of their hello: they are closed in the time of a head, and others served meanwhile.
    @Test func clientsThatHangInTheHandshakeAreClosed() async throws {
        try await Self.serve("limits: {header_timeout: 1s}") { front, backend in
            backend.answer { _ in Self.ok }
            let own = try Certificate.ours.get()
            var hanging: [Peer] = []
            // A record of 300 bytes that begins a hello, and no more of it than its head.
            let half = ByteBuffer(bytes: [0x16, 0x03, 0x01, 0x01, 0x2c, 0x01, 0x00, 0x01, 0x28, 0x03, 0x03])
            for number in 0..<50 {
                let peer = try await front.martlet.peer()
                if number % 2 == 0 { try await peer.send(half) }
                hanging.append(peer)
            }
            #expect(try await front.serves(own))
            for peer in hanging {
                #expect(try await peer.receive(.end, within: .seconds(5)).end != .open)
                await peer.close()
            }
            #expect(try await front.serves(own))
            #expect(try await front.martlet.status().connections.client == 1, "the one that asks")
        }
    }
}
