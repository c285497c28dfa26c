import Foundation
import MartletTools
import NIOPosix
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The name server denies, fails, says nothing for half a minute, and changes its mind: the last good addresses stay,
/// answers are followed, and nobody who asks the gateway or stops it notices anything of it.
@Suite(.serialized, .timeLimit(.minutes(3)), .inOwnNetwork) struct NameServiceTests {
    private static let patience = 30
    private static let silent = ["mute1", "mute2", "mute3", "mute4"]
    /// Wanted for more ports than there are threads that look names up.
    private static let manyPorts = "mute5"
    private static let names = ["denied", "failing", "moving"] + silent

    @Test func badNameServiceIsNotNoticed() async throws {
        try await Self.serve { martlet, server, first, second in
            for name in Self.names { try await martlet.get("/\(name)/x").expect(200) }
            for name in Self.silent + [Self.manyPorts] { server["\(name).test"] = .silence }
            server["denied.test"] = .noSuchName
            server["failing.test"] = .failure
            try await until("lookups to hang", within: .seconds(15)) {
                martlet.log().contains("no answer within")
            }
            server["moving.test"] = .addresses(["127.0.0.3"])

            var slowest = Duration.zero
            try await until("the new address alone to count", within: .seconds(35)) {
                for name in Self.names { try await martlet.get("/\(name)/x").expect(200) }
                let (status, time) = try await timed { try await martlet.status() }
                slowest = max(slowest, time)
                return status.addresses(of: "moving") == ["127.0.0.3"]
            }
            // A loop that waited for a name would stand for seconds.
            #expect(slowest < .milliseconds(500), "the console answered after \(slowest)")
            let status = try await martlet.status()
            for name in Self.names where name != "moving" {
                #expect(status.addresses(of: name) == ["127.0.0.2"], "the last good address of \(name)")
            }
            for name in ["denied", "failing", "mute1"] {
                #expect(martlet.log().contains("\(name).test"), "\(name) is named in the log")
            }
            let served = second.echoes
            try await martlet.get("/moving/x").expect(200)
            #expect(second.echoes == served + 1)
            #expect(first.echoes > 0)
            try await Self.expectPromptEnd(martlet)
        }
    }

    /// Lookups hang for longer than anybody should have to wait for the process.
    private static func expectPromptEnd(_ martlet: MartletProcess) async throws {
        try await martlet.settle(to: martlet.rest())
        kill(martlet.processID, SIGTERM)
        let (_, time) = try await timed {
            try await until("the process to end", within: .seconds(40)) { !martlet.isRunning }
        }
        #expect(time < .seconds(3), "ended after \(time)")
        #expect(martlet.exitStatus == 0)
    }

    /// A gateway with a pool for each name, all of which are 127.0.0.2 to begin with, and two backends.
    private static func serve(
        _ body: (MartletProcess, NameServer, MockServer, MockServer) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        var options = MockOptions()
        options.host = "127.0.0.2"
        let first = try await MockServer.start(options, on: group)
        (options.host, options.port) = ("127.0.0.3", first.port)
        let second = try await MockServer.start(options, on: group)
        let server = try await NameServer.start(on: "127.0.0.53")
        for name in names + [manyPorts] { server["\(name).test"] = .addresses(["127.0.0.2"]) }
        var lines = ["pools:"]
        lines += names.map { name in
            "  \(name): {health: off, keepalive: {idle: 200ms}, targets: [\"http://\(name).test:\(first.port)\"]}"
        }
        let many = (1...9).map { "\"http://\(manyPorts).test:\($0)\"" }.joined(separator: ", ")
        lines.append("  \(manyPorts): {health: off, targets: [\(many)]}")
        lines.append("routes: [\(names.map { "{path: /\($0)/, pool: \($0)}" }.joined(separator: ", "))]")
        let text = lines.joined(separator: "\n")
        try await OwnNetwork.asking("127.0.0.53", patience: patience) {
            let martlet = try await MartletProcess.start(text)
            do {
                try await body(martlet, server, first, second)
                await martlet.stop()
            } catch {
                await martlet.stop()
                throw error
            }
        }
        await server.stop()
        await first.stop()
        await second.stop()
    }
}

extension Status {
    /// Which addresses the only name of a pool stands for, as its targets' URLs say.
    fileprivate func addresses(of pool: String) -> [String] {
        (self.pool(pool)?.targets ?? []).compactMap { target in
            target.url.split(separator: "(").last.map { String($0.dropLast()) }
        }
    }
}
