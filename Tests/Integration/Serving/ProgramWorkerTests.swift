import Foundation
import MartletTools
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A worker that is no Python: the example of the SDK in C, compiled for the tests.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ProgramWorkerTests {
    private static func withHistogram(body: (MartletProcess) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-program-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let (sdk, program) = (Repository.root.path + "/sdk/c", directory.appending(path: "histogram").path)
        // The compiler that Swift brings along.
        let built = try await CommandRun.tool(
            "clang",
            ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", sdk, "-o", program]
                + ["example/histogram.c", "martlet_worker.c"].map { "\(sdk)/\($0)" })
        try #require(built.status == 0, "\(built.output)")
        let configuration = "workers:\n  - command: [\(program)]\n    name: m\n    restart: {stable: 1ms}\n"
        try await withWorkers(configuration, workers: 2, body: body)
    }

    /// A client of a long countdown that has begun.
    private static func begin(_ martlet: MartletProcess) async throws -> Peer {
        let client = try await Peer.connect(martlet.publicPort)
        try await client.send(Client.request("POST", "/countdown", body: #"{"from": 100000}"#))
        _ = try await client.receive(.text("99998\n"))
        return client
    }

    private static func counts(_ expected: [UInt8: Int]) -> String {
        "[" + (0...255).map { String(expected[UInt8($0)] ?? 0) }.joined(separator: ",") + "]"
    }

    @Test func ItAnswersSmallAndLargeBodies() async throws {
        try await Self.withHistogram { martlet in
            let (a, b) = (UInt8(ascii: "a"), UInt8(ascii: "b"))
            #expect(try await martlet.post("/histogram", body: "aab").expect(200).body == Self.counts([a: 2, b: 1]))
            let large = try await martlet.post("/histogram", body: String(repeating: "ab", count: 150_000))
            #expect(large.expect(200).body == Self.counts([a: 150_000, b: 150_000]))
            #expect(try await martlet.get("/histogram").status == 405)
        }
    }

    @Test func ItStreamsAndRefuses() async throws {
        try await Self.withHistogram { martlet in
            let answer = try await martlet.post("/countdown", body: #"{"from": 5}"#)
            #expect(answer.expect(200).body == "5\n4\n3\n2\n1\n")
            try await martlet.post("/countdown").expect(400, "no_number")
        }
    }

    @Test func ItStopsWhenNobodyListens() async throws {
        try await Self.withHistogram { martlet in
            let client = try await Self.begin(martlet)
            let waiting = try await martlet.begin(#"{"from": 1}"#, path: "/countdown")
            await client.close()
            let (answer, time) = try await timed { try await waiting.answer(to: "POST") }
            #expect(answer.status == 200 && answer.body == "1\n")
            #expect(time < .seconds(1))
            try await until("it to say that it stopped") { martlet.log().contains("nobody listens: stopped at") }
            await waiting.close()
        }
    }

    @Test func KilledItIsReplacedAndItsClientHearsOfIt() async throws {
        try await Self.withHistogram { martlet in
            let pids = try await martlet.status().backends.compactMap(\.pid)
            let client = try await Self.begin(martlet)
            for pid in pids { kill(pid, SIGKILL) }
            #expect(try await client.receive(.end).text.hasSuffix("\r\n0\r\n\r\n") == false)
            await client.close()
            try await until("others to serve", explain: { martlet.log() }) {
                let now = try await martlet.status().backends
                return now.allSatisfy { $0.state == "ready" && !pids.contains($0.pid ?? 0) }
            }
            try await martlet.post("/countdown", body: #"{"from": 2}"#).expect(200)
        }
    }
}
