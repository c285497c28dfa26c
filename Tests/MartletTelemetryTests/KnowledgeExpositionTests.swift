import MartletTelemetry
import Testing

@Suite struct KnowledgeExpositionTests {
    private func scrape(_ knowledge: Readings.Knowledge?) throws -> PrometheusText {
        var readings = Readings(build: .init(version: "1", commit: "c"))
        readings.knowledge = knowledge
        return try PrometheusText(Exposition.text(totals: MeterTotals([]), labels: LabelRegistry(), readings: readings))
    }

    private func value(_ text: PrometheusText, _ name: String, _ labels: [String: String] = [:]) -> Double? {
        text.samples[.init(name: "martlet_knowledge_" + name, labels: labels)]
    }

    @Test func knowledgeAppearsUnderItsNames() throws {
        var knowledge = Readings.Knowledge()
        knowledge.baseCount = 7
        knowledge.bases = [.init("人事 \"a\"", documents: 3, chunks: 40, ageSeconds: 2.5)]
        var duration = Histogram<DurationScale>()
        duration.observe(2_000_000)
        knowledge.searches = [("words", duration)]
        knowledge.answers = [("cached", 4)]
        knowledge.answersUnderWay = 2
        knowledge.cache = [("near_hit", 5)]
        (knowledge.reading, knowledge.waiting) = (1, 6)
        (knowledge.ingested.documents, knowledge.ingested.chunks, knowledge.ingested.bytes) = (8, 9, 10)
        knowledge.embeddings = [("query", 11)]
        knowledge.embeddingErrors = [("query", 12)]
        knowledge.redisErrors = [("sessions", 13)]
        let text = try scrape(knowledge)
        let base = ["base": "人事 \"a\""]
        #expect(value(text, "bases") == 7)
        #expect(value(text, "documents", base) == 3)
        #expect(value(text, "chunks", base) == 40)
        #expect(value(text, "index_age_seconds", base) == 2.5)
        #expect(value(text, "search_seconds_bucket", ["arm": "words", "le": "0.001"]) == 0)
        #expect(value(text, "search_seconds_bucket", ["arm": "words", "le": "0.0025"]) == 1)
        #expect(value(text, "search_seconds_sum", ["arm": "words"]) == 0.002)
        #expect(value(text, "answers_total", ["kind": "cached"]) == 4)
        #expect(value(text, "answers_under_way") == 2)
        #expect(value(text, "cache_answers_total", ["kind": "near_hit"]) == 5)
        #expect(value(text, "documents_in_work", ["state": "reading"]) == 1)
        #expect(value(text, "documents_in_work", ["state": "waiting"]) == 6)
        #expect(value(text, "ingested_documents_total") == 8)
        #expect(value(text, "ingested_chunks_total") == 9)
        #expect(value(text, "ingested_bytes_total") == 10)
        #expect(value(text, "embedding_calls_total", ["kind": "query"]) == 11)
        #expect(value(text, "embedding_errors_total", ["kind": "query"]) == 12)
        #expect(value(text, "redis_errors_total", ["kind": "sessions"]) == 13)
    }

    @Test func aProcessWithoutKnowledgeSaysNothingOfIt() throws {
        let text = try scrape(nil)
        #expect(!text.samples.keys.contains { $0.name.contains("knowledge") })
    }
}
