import Logging
import MartletTelemetry
import Synchronization
import Testing

@testable import Martlet

@Suite struct AccessLogWatchTests {
    @Test func aDiskThatWasFullForAMomentIsToldOfOnceWithAllThatItCost() throws {
        let lines = Lines()
        let logger = Logger(label: "test") { _ in NotingHandler(lines: lines) }
        // What does not fit at all is lost without a word from the system.
        let sink = try LogSink(.standardError, bound: 4)
        var watch = AccessLogWatch()
        watch.look(at: sink, logger)
        #expect(lines.all.isEmpty)
        for _ in 0..<3 {
            sink.offer([UInt8](repeating: 10, count: 5), lines: 5)
            watch.look(at: sink, logger)
        }
        #expect(lines.all == ["trouble with the access log: lines were lost"])
        for _ in 0..<3 { watch.look(at: sink, logger) }
        #expect(lines.all.dropFirst() == ["the access log is well again: 15"])
    }
}

private final class Lines: Sendable {
    private let noted = Mutex<[String]>([])

    var all: [String] { noted.withLock { $0 } }

    func note(_ line: String) { noted.withLock { $0.append(line) } }
}

private struct NotingHandler: LogHandler {
    let lines: Lines
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = (event.metadata ?? [:]).values.map { "\($0)" }.joined(separator: " ")
        lines.note("\(event.message): \(facts)")
    }
}
