import Foundation
import MartletTools
import Testing

/// The wall clock jumps an hour forth and back, falls a day behind and stands still (libfaketime puts that in): dates
/// follow it, and nothing that is decided does.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ClockTests {
    /// What libfaketime reads, and how far the clock is then from the real one, in seconds; nil: it stands.
    private static let steps: [(text: String, offset: Double?)] = [
        ("+1h", 3600), ("-1h", -3600), ("-1d", -86_400), ("2001-01-01 00:00:00", nil), ("+0", 0),
    ]

    @Test func decisionsGoByAClockThatDoesNotJump() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "martlet-test-\(UUID().uuidString)")
        try "+0".write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        try await withMocks(1) { mocks in
            try await withMartlet(Self.configuration(mocks[0]), environment: try Self.environment(file)) { martlet in
                let (serving, ledger) = (try martlet.servingID, try await Ledger.open(martlet, mocks))
                async let stream = Self.stream(martlet)
                for step in Self.steps {
                    // An ejection under way when the clock jumps ends when it would have ended.
                    try await martlet.get("/eject", headers: ["x-mock-fault: status:500"]).expect(500)
                    try step.text.write(to: file, atomically: true, encoding: .utf8)
                    let began = ContinuousClock.now
                    #expect(try await martlet.status().pool("eject")?.targets.first?.state == "down")
                    try await Self.expectDates(martlet, step.offset)
                    try await Self.expectTimeouts(martlet)
                    try await until("the ejection to end after \(step.text)") {
                        try await martlet.status().pool("eject")?.targets.first?.state != "down"
                    }
                    #expect(ContinuousClock.now - began > .milliseconds(500), "not before its time")
                    let checks = mocks[0].stats.byPath["/health"] ?? 0
                    try await until("checks to go on after \(step.text)") {
                        mocks[0].stats.byPath["/health"] ?? 0 > checks + 1
                    }
                }
                let report = try await stream
                #expect(report.completed == 1, "\(report.failures)")
                #expect(try martlet.servingID == serving, "none died and was replaced")
                let lines = martlet.written(to: "access.log").split(separator: "\n")
                let objects = lines.compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) }
                #expect(objects.count == lines.count && lines.count >= 2 * Self.steps.count)
                #expect(lines.contains { $0.contains("2001-01-01T00:00:00.000Z") })
                _ = ledger
            }
        }
    }

    /// A first byte that does not come, and a stream that falls silent.
    private static func expectTimeouts(_ martlet: MartletProcess) async throws {
        let (first, waited) = try await timed { try await martlet.get(headers: ["x-mock-fault: hang"]) }
        first.expect(504, "first_byte_timeout")
        let (second, silent) = try await timed {
            try await martlet.chat(stream: true, headers: ["x-mock-fault: stall:1"])
        }
        #expect(second.events.last?.contains(#""code":"idle_timeout""#) == true)
        for time in [waited, silent] {
            #expect(time > .milliseconds(295) && time < .seconds(2), "\(time) of 300 ms")
        }
    }

    /// That the step was felt at all: an answer of the gateway's own says what time it has.
    private static func expectDates(_ martlet: MartletProcess, _ offset: Double?) async throws {
        let text = try #require(try await martlet.get("/healthz").header("date"))
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        let date = try #require(format.date(from: text), "\(text)")
        let expected = offset.map { Date().addingTimeInterval($0) } ?? Date(timeIntervalSince1970: 978_307_200)
        #expect(abs(date.timeIntervalSince(expected)) < 5, "\(text), offset \(offset ?? 0)")
    }

    /// Through all of it.
    private static func stream(_ martlet: MartletProcess) async throws -> LoadReport {
        var options = LoadOptions()
        options.port = martlet.publicPort
        options.path = "/v1/chat/completions"
        options.stream = true
        options.body = LoadOptions.chatBody(stream: true)
        options.connections = 1
        options.count = 1
        options.fields = [("x-mock-tokens", "80"), ("x-mock-interval", "100ms")]
        return try await LoadGenerator.run(options)
    }

    private static func configuration(_ mock: MockServer) -> String {
        """
        access_log: "{dir}/access.log"
        pools:
          main:
            keepalive: {idle: 200ms}
            timeouts: {first_byte: 300ms, idle: 300ms}
            retry: {on: "off"}
            health: {path: /health, interval: 100ms}
            targets: [{url: \(mock.url), max_fails: 0}]
          eject:
            keepalive: {idle: 200ms}
            retry: {on: "off"}
            health: off
            targets: [{url: \(mock.url), max_fails: 1, fail_timeout: 600ms}]
        models: {"*": {pool: main}}
        routes: [{path: /v1/}, {path: /eject, pool: eject}, {path: /, pool: main}]
        """
    }

    private static func environment(_ file: URL) throws -> [String: String] {
        let folders = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib")
        let library = folders.map { "/usr/lib/\($0)/faketime/libfaketimeMT.so.1" }
            .first { FileManager.default.fileExists(atPath: $0) }
        return [
            "LD_PRELOAD": try #require(library, "install faketime, as ./martlet test does"),
            "FAKETIME_TIMESTAMP_FILE": file.path, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            // Of shared memory that is not there. Without it the library would change the environment before `main`, and
            // Swift then no longer finds the command's arguments, which it looks for below the environment.
            "FAKETIME_SHARED": "/none /none", "TZ": "UTC",
        ]
    }
}
