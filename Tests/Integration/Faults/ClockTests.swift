import Foundation
import MartletTools
import Testing

/// The wall clock jumps an hour forth and back, falls a day behind and stands still: dates follow it, and nothing that
/// is decided does.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ClockTests {
    private enum Step {
        case shift(Int)
        case stop(at: Int)

        /// What the clock then says, in seconds since 1970.
        var now: Double {
            switch self {
            case .shift(let seconds): Date().timeIntervalSince1970 + Double(seconds)
            case .stop(let seconds): Double(seconds)
            }
        }
    }

    private static let steps = [Step.shift(3600), .shift(-3600), .shift(-86_400), .stop(at: 978_307_200), .shift(0)]

    @Test func decisionsGoByAClockThatDoesNotJump() async throws {
        let clock = try WallClock()
        defer { clock.remove() }
        try await withMocks(1) { mocks in
            try await withMartlet(Self.configuration(mocks[0]), environment: clock.environment) { martlet in
                let serving = try martlet.servingID
                async let stream = Self.stream(martlet)
                for step in Self.steps {
                    // An ejection under way when the clock jumps ends when it would have ended.
                    try await martlet.get("/eject", headers: ["x-mock-fault: status:500"]).expect(500)
                    switch step {
                    case .shift(let seconds): try clock.shift(by: seconds)
                    case .stop(let seconds): try clock.stop(at: seconds)
                    }
                    let began = ContinuousClock.now
                    #expect(try await martlet.status().pool("eject")?.targets.first?.state == "down")
                    try await Self.expectDates(martlet, step)
                    try await Self.expectTimeouts(martlet)
                    try await until("the ejection to end after \(step)") {
                        try await martlet.status().pool("eject")?.targets.first?.state != "down"
                    }
                    #expect(ContinuousClock.now - began > .milliseconds(400), "not before its time")
                    let checks = mocks[0].stats.byPath["/health"] ?? 0
                    try await until("checks to go on after \(step)") {
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
            }
        }
    }

    /// A first byte that does not come, and a stream that falls silent.
    private static func expectTimeouts(_ martlet: MartletProcess) async throws {
        async let first = timed { try await martlet.get(headers: ["x-mock-fault: hang"]) }
        async let second = timed { try await martlet.chat(stream: true, headers: ["x-mock-fault: stall:1"]) }
        try await first.value.expect(504, "first_byte_timeout")
        #expect(try await second.value.events.last?.contains(#""code":"idle_timeout""#) == true)
        for time in [try await first.time, try await second.time] {
            #expect(time > .milliseconds(295) && time < .seconds(2), "\(time) of 300 ms")
        }
    }

    /// That the step was felt at all: an answer of the gateway's own says what time it has.
    private static func expectDates(_ martlet: MartletProcess, _ step: Step) async throws {
        let text = try #require(try await martlet.get("/healthz").header("date"))
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        let date = try #require(format.date(from: text), "\(text)")
        #expect(abs(date.timeIntervalSince1970 - step.now) < 5, "\(text) after \(step)")
    }

    /// Through all of it.
    private static func stream(_ martlet: MartletProcess) async throws -> LoadReport {
        try await martlet.load(stream: true) {
            $0.connections = 1
            $0.count = 1
            $0.fields = [("x-mock-tokens", "45"), ("x-mock-interval", "100ms")]
        }
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
            targets: [{url: \(mock.url), max_fails: 1, fail_timeout: 500ms}]
        models: {"*": {pool: main}}
        routes: [{path: /v1/}, {path: /eject, pool: eject}, {path: /, pool: main}]
        """
    }
}
