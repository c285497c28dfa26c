import MartletKnowledge
import MartletLogic
import Testing

/// What both engines say of the same knowledge.
@Suite("Chroma beside the embedded engine", .timeLimit(.minutes(3)))
struct ChromaConformanceTests {
    private static let questions = [
        "年假有几天", "年", "the annual report 7", "report_7", "ISO-9001", "nothing of that kind", "公司 report 3 年假",
    ]

    /// So few that a server's graph finds all of them.
    private static func fill(_ engine: any KnowledgeEngine) async throws {
        for number in 0..<16 {
            try await engine.put(
                "d\(number)", ["the annual report_\(number) of the company", "员工每年有\(number)天年假，公司 report \(number)。"],
                metadata: ["year": .number(Double(2000 + number))])
        }
        try await engine.put("d3", ["ISO-9001 and 10,000 others", "ISO-9001"])
        _ = try await engine.delete(["d5"], from: EngineFixture.base, files: true)
    }

    @Test("The same documents have the same scores, for the same reasons", arguments: EngineKind.chroma)
    func sameScores(kind: EngineKind) async throws {
        try await EngineFixture.run(.embedded) { _, embedded in
            try await Self.fill(embedded)
            try await EngineFixture.run(kind) { _, chroma in
                try await Self.fill(chroma)
                for question in Self.questions {
                    for filter in [nil, DocumentFilter.compare(key: "year", .atLeast, .number(2010))] {
                        var query = EngineFixture.query(question, limit: 20)
                        query.filter = filter
                        let expected = try await embedded.search(query, model: nil, in: EngineFixture.base)
                        let found = try await chroma.search(query, model: nil, in: EngineFixture.base)
                        #expect(found.map(\.chunk) == expected.map(\.chunk), "\(question)")
                        #expect(found.map(\.score) == expected.map(\.score), "\(question)")
                        #expect(found.map(\.why) == expected.map(\.why), "\(question)")
                    }
                }
            }
        }
    }
}
