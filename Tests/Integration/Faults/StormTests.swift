import Foundation
import Testing

/// `martlet demo storm`, small and Martlet alone.
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
            "demo", "storm", "--only", "martlet", "--streams", "40", "--seconds", "6", "--json", "--svg", picture.path,
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

    @Test func mistakesAreExplained() async throws {
        let run = try await CommandRun.martlet("demo", "storm", "--only", "apache")
        #expect(run.status == 64 && run.output.contains("martlet or nginx"))
    }
}
