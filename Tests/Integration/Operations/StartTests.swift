import Foundation
import MartletTools
import NIOCore
import NIOPosix
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What a start waits for, and what it says.
@Suite(.serialized, .timeLimit(.minutes(1))) struct StartTests {
    @Test func AFewFilesAreSaidWithTheLinesThatLiftTheLimit() async throws {
        try await withMocks(1) { mocks in
            let wrapper = ["/usr/bin/prlimit", "--nofile=512:4096"]
            try await withMartlet(onePool(mocks.targets()), under: wrapper) { martlet in
                let lines = martlet.log().components(separatedBy: "\n")
                let limits = lines.filter { $0.contains("\"open files\"") }
                #expect(limits.count == 1)
                #expect(limits.joined().contains(#""hard":"4096","soft":"4096""#), "\(limits)")
                let warnings = lines.filter { $0.contains("few open files") }
                #expect(warnings.count == 1)
                #expect(warnings.joined().contains("* hard nofile 1048576"), "\(warnings)")
                #expect(warnings.joined().contains("LimitNOFILE=1048576"), "\(warnings)")
            }
        }
    }

    /// A resolver that takes questions and never answers, seen only by the process under test.
    private static func withDeadResolver(_ body: (_ wrapper: [String]) async throws -> Void) async throws {
        let resolver = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.77", port: 53).get()
        let mount = """
            echo nameserver 127.0.0.77 > {dir}/resolv.conf
            mount --bind {dir}/resolv.conf /etc/resolv.conf && exec "$0" "$@"
            """
        do {
            try await body(["/usr/bin/unshare", "--mount", "sh", "-c", mount])
        } catch {
            try await resolver.close()
            throw error
        }
        try await resolver.close()
    }

    @Test(.inOwnNetwork) func ADeadResolverKeepsOnlyThoseAwayWhoNeedIt() async throws {
        try await Self.withDeadResolver { wrapper in
            try await withMocks(1) { mocks in
                let configuration = """
                    pools:
                      here: {health: off, keepalive: {idle: 200ms}, targets: [\(mocks[0].target())]}
                      named:
                        health: off
                        targets: ["http://models.example:8000"]
                    routes:
                      - {path: /here, pool: here}
                      - {path: /named, pool: named}
                    """
                let start = ContinuousClock.now
                try await withMartlet(configuration, under: wrapper) { martlet in
                    try await martlet.get("/here").expect(200)
                    // The resolver alone would be waited for five seconds. Less than one on a machine of its own.
                    #expect(ContinuousClock.now - start < .seconds(4))
                    try await martlet.get("/named").expect(502, "no_target")
                    let ready = try await martlet.get("/readyz").expect(503)
                    #expect(ready.body.contains("named") && !ready.body.contains("here"))

                    try await Task.sleep(for: .milliseconds(1100))
                    let victim = try martlet.servingID
                    let crash = ContinuousClock.now
                    kill(victim, SIGKILL)
                    try await martlet.get("/here").expect(200)
                    #expect(ContinuousClock.now - crash < .seconds(3))
                }
            }
        }
    }
}
