import Foundation
import MartletBase
import MartletTelemetry
import Testing

@Suite struct AccessLogTests {
    private let labels = LabelRegistry()

    /// The lines that `body` leads to, decoded.
    private func lines(_ body: (AccessLog) -> Void) throws -> [[String: Any]] {
        try TemporaryFile.use { path in
            let sink = try LogSink(.file(path))
            let log = AccessLog(sink: sink, labels: labels)
            body(log)
            log.flush()
            #expect(sink.flush(within: .seconds(10)))
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.isEmpty || text.hasSuffix("\n"))
            return try text.split(separator: "\n").map { line in
                try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            }
        }
    }

    private func append(
        _ log: AccessLog, _ record: RequestRecord, path: [UInt8] = Array("/v1/chat/completions".utf8),
        host: String = "api.example.com"
    ) {
        log.append(
            record, at: WallTime(milliseconds: 1_772_357_400_125), id: "r-1".utf8Span.span,
            client: "10.1.2.3".utf8Span.span, method: "POST".utf8Span.span, host: host.utf8Span.span, path: path.span)
    }

    @Test func aLineSaysAllThatIsKnown() throws {
        labels.register(TargetID(1), .init(pool: "chat", url: "http://10.0.0.1:8000", version: "v2"))
        var record = RequestRecord()
        record.route = labels.index(of: "/v1/", in: .route)
        record.pool = labels.index(of: "chat", in: .pool)
        record.model = labels.index(of: "qwen3", in: .model)
        record.target = TargetID(1)
        record.status = 504
        record.outcome = .timedOut
        record.errorCode = .firstByteTimeout
        record.attempts = 2
        record.durationNanoseconds = 1_050_000_000
        record.firstByteNanoseconds = 12_345_678
        record.queueWaitNanoseconds = 999
        record.bytesIn = 10
        record.bytesOut = UInt64.max
        record.outputTokens = 42
        let line = try #require(try lines { append($0, record) }.first)
        let expected: [String: String] = [
            "time": "2026-03-01T09:30:00.125Z", "request_id": "r-1", "client": "10.1.2.3", "method": "POST",
            "host": "api.example.com", "path": "/v1/chat/completions", "outcome": "timed_out",
            "code": "first_byte_timeout", "route": "/v1/", "pool": "chat", "model": "qwen3",
            "target": "http://10.0.0.1:8000", "version": "v2",
        ]
        for (key, value) in expected {
            #expect(line[key] as? String == value, "\(key)")
        }
        #expect(line["status"] as? Int == 504)
        #expect(line["attempts"] as? Int == 2)
        #expect(line["duration"] as? Double == 1.05)
        #expect(line["first_byte"] as? Double == 0.012345)
        #expect(line["queue_wait"] as? Double == 0)
        #expect(line["bytes_in"] as? Int == 10)
        #expect(line["bytes_out"] as? UInt64 == UInt64.max)
        #expect(line["output_tokens"] as? Int == 42)
        #expect(line["input_tokens"] == nil)
        #expect(line["connect"] == nil)
        #expect(line["phase"] == nil)
    }

    @Test func queryStringsAreNotWritten() throws {
        let line = try #require(try lines { append($0, RequestRecord(), path: Array("/a?api_key=secret".utf8)) }.first)
        #expect(line["path"] as? String == "/a")
        #expect(!"\(line)".contains("secret"))
    }

    @Test func healthChecksAreLeftOut() throws {
        var record = RequestRecord()
        record.isHealth = true
        #expect(try lines { append($0, record) }.isEmpty)
    }

    @Test func bytesFromOutsideStayInsideTheirString() throws {
        let path: [UInt8] = Array("/\r\n{\"\\\u{1B}[31m\u{7F}\u{9B}é世".utf8)
        let found = try lines {
            append($0, RequestRecord(), path: path)
            append($0, RequestRecord(), path: [0x2F, 0xFF, 0x00, 0xC2])
        }
        #expect(found.count == 2)
        #expect(found.first?["path"] as? String == String(decoding: path, as: UTF8.self))
        #expect(found.last?["path"] as? String == "/\u{FF}\u{00}\u{C2}")
    }

    @Test func noControlCharacterReachesTheFile() throws {
        try TemporaryFile.use { path in
            let sink = try LogSink(.file(path))
            let log = AccessLog(sink: sink, labels: labels)
            append(log, RequestRecord(), path: Array(0...255), host: "\u{9B}\u{7F}")
            log.flush()
            #expect(sink.flush(within: .seconds(10)))
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
            #expect(bytes.allSatisfy { $0 == 10 || (0x20..<0x7F).contains($0) })
        }
    }

    @Test func longTextIsCut() throws {
        let long = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20)
        let line = try #require(try lines { append($0, RequestRecord(), path: long) }.first)
        #expect((line["path"] as? String)?.count == 2048)
    }

    @Test func aBusyLogHandsOverByItself() throws {
        let found = try lines { log in
            for _ in 0..<5000 { append(log, RequestRecord()) }
        }
        #expect(found.count == 5000)
    }

    @Test func aNewVersionOfATargetIsSeenAfterAFlush() throws {
        labels.register(TargetID(1), .init(pool: "chat", url: "http://a", version: "v1"))
        var record = RequestRecord()
        record.target = TargetID(1)
        let found = try lines { log in
            append(log, record)
            log.flush()
            labels.register(TargetID(1), .init(pool: "chat", url: "http://a", version: "v2"))
            append(log, record)
        }
        #expect(found.map { $0["version"] as? String } == ["v1", "v2"])
    }
}
