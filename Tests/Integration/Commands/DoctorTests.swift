import Foundation
import MartletTools
import NIOCore
import NIOPosix
import Testing

/// `martlet doctor`, the real command, against things as they are.
@Suite(.serialized, .timeLimit(.minutes(1))) struct DoctorTests {
    private struct Report: Decodable {
        struct Finding: Decodable, Equatable {
            var check: String
            var finding: String
            var seen: String
            var remedy: String?
        }
        var failures: Int
        var findings: [Finding]

        func finding(_ check: String) throws -> Finding {
            try #require(findings.first { $0.check == check }, "\(findings.map(\.check))")
        }
    }

    private func examine(_ configuration: String) async throws -> (report: Report, run: CommandRun) {
        let file = FileManager.default.temporaryDirectory.appending(path: "martlet-doctor-\(UUID().uuidString).yaml")
        try configuration.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let run = try await CommandRun.martlet("doctor", file.path, "--json")
        return (try JSONDecoder().decode(Report.self, from: Data(run.output.utf8)), run)
    }

    @Test func EveryTroubleIsFoundWithItsRemedy() async throws {
        let stranger = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let taken = try #require(stranger.localAddress?.port)
        let dead = try await Refusing.port()
        try await withMocks(1) { mocks in
            let (report, run) = try await examine(
                """
                listen: [127.0.0.1:\(taken), {address: 127.0.0.1:0, tls: {certificate: /none/a.pem, key: /none/a.key}}]
                console: 127.0.0.1:0
                access_log: /none/access.log
                backends: {own: {command: [/none/serve, --port, "{port}"]}}
                pools:
                  chat: {targets: [\(mocks[0].url), "http://127.0.0.1:\(dead)", http://nobody.invalid, {backend: own}]}
                """)
            #expect(run.status == 1)
            #expect(try report.finding("target \(mocks[0].url)").finding == "ok")
            let refused = try report.finding("target http://127.0.0.1:\(dead)")
            #expect(refused.finding == "failure" && refused.seen.contains("Connection refused"))
            #expect(try report.finding("target http://nobody.invalid").finding == "failure")
            #expect(try report.finding("access_log").remedy == "mkdir -p /none")
            #expect(try report.finding("listen[0]").remedy == "ss -ltnp 'sport = :\(taken)'")
            #expect(try report.finding("listen[1] tls").seen == "there is no /none/a.pem")
            #expect(try report.finding("backends.own.command").seen == "/none/serve is not there")
            #expect(report.failures == 6, "\(run.output)")
            #expect(report.findings.allSatisfy { ($0.remedy == nil) == ($0.finding == "ok") })
        }
        try await stranger.close()
    }

    @Test func AddressesOfARunningMartletAreItsOwn() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, mocks in
            let (report, run) = try await examine(
                """
                listen: 127.0.0.1:\(martlet.publicPort)
                console: 127.0.0.1:\(martlet.consolePort)
                pools: {chat: {targets: [\(mocks[0].url)]}}
                """)
            for key in ["listen", "console"] {
                #expect(try report.finding(key).seen.hasSuffix("is served by a running Martlet"))
            }
            #expect(run.status == 0, "\(run.output)")
        }
    }

    @Test func AMistakeInTheFileIsAFailureAndTheMachineIsLookedAtAllTheSame() async throws {
        let (report, run) = try await examine("pools: {chat: {targets: [{url: http://127.0.0.1:1, wieght: 2}]}}\n")
        let mistake = try report.finding("configuration")
        #expect(mistake.finding == "failure" && mistake.seen.contains("did you mean `weight`?"))
        #expect(mistake.remedy?.hasPrefix("martlet check ") == true)
        #expect(report.findings.contains { $0.check == "open files" })
        #expect(run.status == 1)
    }
}
