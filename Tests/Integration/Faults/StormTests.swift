import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// `martlet demo storm`, small.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StormTests {
    private struct Results: Decodable {
        struct Side: Decodable {
            var completed: Int
            var left: Int
            var failures: Int
            var filesBefore: Int
            var filesPeak: Int
            var filesAfter: Int
            var tokens: Int
            var tokensUnseen: Int
        }
        var martlet: Side
    }

    @Test func nobodyWhoStaysSeesAFailure() async throws {
        let picture = FileManager.default.temporaryDirectory.appending(path: "martlet-test-\(UUID().uuidString).svg")
        let run = try await CommandRun.martlet(
            "demo", "storm", "--only", "martlet", "--streams", "40", "--seconds", "4", "--json", "--svg", picture.path,
            within: .seconds(60))
        try #require(run.status == 0, "\(run.output)")
        let line = try #require(run.output.split(separator: "\n").last)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let result = try decoder.decode(Results.self, from: Data(line.utf8)).martlet
        #expect(result.failures == 0, "\(line)")
        #expect(result.completed > 40 && result.left > 10, "\(line)")
        #expect(result.filesPeak > result.filesBefore + 40, "\(line)")
        #expect(result.filesAfter <= result.filesBefore + 4, "\(line)")
        #expect(result.tokensUnseen < result.tokens / 10, "\(line)")
        let svg = try String(contentsOf: picture, encoding: .utf8)
        #expect(svg.contains("one backend silent") && svg.contains("milliseconds"))
        try FileManager.default.removeItem(at: picture)
    }

    /// nginx with the file that many copy, and Martlet, one after the other.
    @Test func bothSidesStandSideBySide() async throws {
        let run = try await CommandRun.martlet(
            "demo", "storm", "--streams", "20", "--seconds", "2", within: .seconds(60))
        try #require(run.status == 0, "\(run.output)")
        let rows = run.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.contains(["nginx", "Martlet"]), "\(run.output)")
        let completed = try #require(rows.first { $0.starts(with: ["streams", "completed"]) })
        #expect(completed.suffix(2).compactMap { Int($0) }.filter { $0 > 10 }.count == 2, "\(run.output)")
        let waits = try #require(rows.first { $0.starts(with: ["first", "token,", "p99"]) })
        #expect(waits.count { $0 == "ms" } == 2, "\(run.output)")
    }

    @Test func interruptedItLeavesNothingBehind() async throws {
        let room = FileManager.default.temporaryDirectory.appending(path: "martlet-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: room, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: room) }
        let storm = Process()
        storm.executableURL = try Repository.binary
        storm.arguments = ["demo", "storm", "--only", "nginx", "--streams", "20", "--seconds", "60"]
        storm.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": room.path]) { $1 }
        storm.standardOutput = FileHandle.nullDevice
        let said = Pipe()
        storm.standardError = said
        try storm.run()
        // It says that the storm begins.
        _ = said.fileHandleForReading.availableData
        let children = Self.descendants(storm.processIdentifier)
        #expect(children.count >= 2, "nginx, its master and a worker")
        kill(storm.processIdentifier, SIGINT)
        try await until("the storm to end") { !storm.isRunning }
        #expect(storm.terminationStatus == 130)
        try await until("nginx to be gone") { children.allSatisfy { isGone($0) } }
        #expect(try FileManager.default.contentsOfDirectory(atPath: room.path) == [])
    }

    private static func descendants(_ id: Int32) -> [Int32] {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task")) ?? []
        let children = threads.flatMap { thread -> [Int32] in
            let list = try? String(contentsOfFile: "/proc/\(id)/task/\(thread)/children", encoding: .utf8)
            return (list ?? "").split(separator: " ").compactMap { Int32($0) }
        }
        return children + children.flatMap(descendants)
    }

    @Test func mistakesAreExplained() async throws {
        let run = try await CommandRun.martlet("demo", "storm", "--only", "apache")
        #expect(run.status == 64 && run.output.contains("martlet or nginx"))
    }
}
