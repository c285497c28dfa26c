import Foundation
import Glibc
import MartletKnowledge
import MartletLogic
import Testing

/// The embedded engine in a process of its own that is killed again and again. `MARTLET_TEST_KILLS` says how often.
@Suite("The embedded engine after SIGKILL", .timeLimit(.minutes(20)))
struct KilledEngineTests {
    private static let kills = ProcessInfo.processInfo.environment["MARTLET_TEST_KILLS"].flatMap { Int($0) } ?? 30

    @Test("Killed at any moment, the next process has what was acknowledged, and each document whole")
    func killed() async throws {
        let name = "killed-\(UInt64.random(in: .min ... .max))"
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let engine = try await EmbeddedEngine.open(folder + "/store")
        try await engine.createBase(KilledWriter.base, description: "", model: EngineFixture.model)
        await engine.close()
        var model = KilledModel()
        for round in 1...max(1, Self.kills) {
            await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String, round = round as Int] in
                try await KilledWriter.run(in: folder, round: round)
            }
            let lines = KilledWriter.Log.lines(KilledWriter.Log.path(in: folder, round: round))
            model.hear(lines)
            let found = try await Self.found(in: folder, round)
            #expect(model.wrong(found) == [], "round \(round)")
            model.settle(found)
            #expect(try await KnowledgeCare.verify(folder + "/store") == [], "round \(round)")
        }
        // Else it says nothing.
        #expect(model.changes > Self.kills)
    }

    /// The versions of the documents that are there, each of them whole wherever it is looked for.
    private static func found(in folder: String, _ round: Int) async throws -> [String: Int] {
        let engine = try await EmbeddedEngine.open(folder + "/store", EmbeddedEngine.Settings(lanes: 1))
        var found: [String: Int] = [:]
        var texts: [String] = []
        for summary in try await engine.documents(in: KilledWriter.base) {
            guard case .number(let version)? = summary.metadata["version"] else { continue }
            let own = KilledWriter.texts(summary.document.name, Int(version))
            found[summary.document.name] = Int(version)
            texts += own
            #expect(try await engine.text(of: summary.document).text == own.joined(), "round \(round)")
            let chunks = try await engine.chunks(
                of: summary.document.name, in: KilledWriter.base, from: 0, atMost: 1000)
            #expect(chunks.map(\.chunk.text) == own, "round \(round)")
            let file = try await engine.file(summary.document.name, in: KilledWriter.base)
            #expect(FileManager.default.contents(atPath: file.path) == Data(own.joined().utf8), "round \(round)")
        }
        #expect(try await engine.files(in: KilledWriter.base) == found.keys.sorted(), "round \(round)")
        let queries = [
            RetrievalQuery(text: "common", vector: nil, limit: 1000),
            RetrievalQuery(text: "", vector: EngineFixture.vector("common"), limit: 1000),
        ]
        for query in queries {
            let hits = try await engine.search(query, model: EngineFixture.model, in: KilledWriter.base)
            #expect(hits.map(\.chunk.text).sorted() == texts.sorted(), "round \(round)")
        }
        await engine.close()
        return found
    }
}
