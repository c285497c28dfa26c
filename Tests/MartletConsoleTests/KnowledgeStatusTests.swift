import Foundation
import MartletTelemetry
import Testing

@testable import MartletConsole

@Suite("Knowledge in /status")
struct KnowledgeStatusTests {
    @Test("it tells of bases, answers and documents in work by their names")
    func told() throws {
        var readings = Readings.Knowledge()
        readings.baseCount = 3
        readings.bases = [.init("人事", documents: 2, chunks: 9, ageSeconds: 1.5)]
        readings.answers = [("answered", 4), ("cached", 5)]
        readings.cache = [("near_hit", 6)]
        (readings.answersUnderWay, readings.reading, readings.waiting) = (7, 1, 8)
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys]
        let text = String(decoding: try encoder.encode(StatusReport.Knowledge(readings)), as: UTF8.self)
        let base = #"{"age_seconds":1.5,"chunks":9,"documents":2,"name":"人事"}"#
        let said = #"{"answers":{"answered":4,"cached":5},"answers_under_way":7,"bases":3,"cache":{"near_hit":6},"#
        #expect(text == said + #""documents_reading":1,"documents_waiting":8,"largest_bases":[\#(base)]}"#)
    }
}
