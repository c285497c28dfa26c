import Foundation
import Logging
import MartletTelemetry
import Testing

@Suite struct HTTPDateTests {
    @Test(arguments: [
        (784_111_777_999, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_798_761_599_000, "Thu, 31 Dec 2026 23:59:59 GMT"),
    ])
    func aDateIsWrittenAsHTTPWantsIt(milliseconds: Int64, text: String) {
        var date = HTTPDate()
        #expect(date.text(at: WallTime(milliseconds: milliseconds)) == text)
        #expect(date.text(at: WallTime(milliseconds: milliseconds)) == text)
        #expect(date.text(at: WallTime(milliseconds: milliseconds + 1000)) != text)
    }
}

@Suite struct LogsTests {
    private func written(_ format: Logs.Format, _ body: (inout Logger) -> Void) throws -> [String] {
        try TemporaryFile.use { path in
            let sink = try LogSink(.file(path))
            var logger = Logs.logger("gateway", to: sink, format: format, level: .info)
            body(&logger)
            #expect(sink.flush(within: .seconds(10)))
            return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
        }
    }

    @Test func eventsAreOneJSONObjectEach() throws {
        let lines = try written(.json) { logger in
            logger[metadataKey: LogKey.pool.rawValue] = "chat"
            logger.warning("target is down", [.target: "http://10.0.0.1:8000", .cause: "line one\nline \"two\""])
            logger.debug("not shown", [:])
        }
        #expect(lines.count == 1)
        let object = try JSONSerialization.jsonObject(with: Data((lines.first ?? "").utf8)) as? [String: String]
        #expect(object?["level"] == "warning")
        #expect(object?["logger"] == "gateway")
        #expect(object?["message"] == "target is down")
        #expect(object?["pool"] == "chat")
        #expect(object?["target"] == "http://10.0.0.1:8000")
        #expect(object?["cause"] == "line one\nline \"two\"")
        #expect(object?["time"]?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
    }

    @Test func peopleGetOneReadableLine() throws {
        let lines = try written(.human) { $0.notice("target is up", [.target: "a\r\nb\u{1B}[2J", .pool: "chat"]) }
        #expect(lines.count == 1)
        #expect(lines.first?.contains("notice  target is up pool=chat target=a") == true)
        #expect(lines.first?.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
    }

    @Test func keysCannotHideTheLinesOwnFields() {
        let own: Set<String> = ["time", "level", "logger", "message"]
        #expect(own.isDisjoint(with: LogKey.allCases.map(\.rawValue)))
    }

    @Test func timesAreWrittenAsTheCalendarHasThem() {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        let times: [Int64] = [
            0, 951_782_400_000, 951_868_799_999, 1_709_164_800_001, 4_102_444_800_500, -1, -86_400_001,
        ]
        for milliseconds in times {
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            #expect(WallTime(milliseconds: milliseconds).text == formatter.string(from: date))
        }
    }
}
