/// What a storm did to one gateway's clients. Computed from the clients' ledger and the backends' books.
package struct StormResult: Sendable, Equatable {
    /// Times to the first token of those who stayed, in milliseconds; who waited in vain counts with the wait.
    package var firstByteP50 = 0.0
    package var firstByteP99 = 0.0
    package var completed = 0
    package var left = 0
    /// Streams that failed, of clients that stayed.
    package var failures = 0
    /// From the beginning of the black hole until the last request began that failed or had to wait much longer than
    /// before it; 0 when there was none.
    package var secondsToRecovery = 0.0
    /// Open files of the gateway's processes: before the load, at most, and some seconds after it.
    package var filesBefore = 0
    package var filesPeak = 0
    package var filesAfter = 0
    /// Tokens generated for clients that left which they never saw.
    package var tokensUnseen = 0
    /// Tokens generated for clients that left after they had left.
    package var tokensWasted = 0
    package var tokens = 0

    package init() {}

    /// - Parameters:
    ///   - records: what the backends know of the same requests, by id.
    ///   - start: when the load began (nanoseconds of the ledger's clock).
    ///   - hole: when the black hole began and ended, in seconds after it.
    ///   - interval: nanoseconds between two tokens.
    package init(
        ledger: [LedgerEntry], records: [String: [MockRequestRecord]], start: UInt64, hole: (from: Double, to: Double),
        interval: UInt64
    ) {
        let stayed = ledger.filter { $0.outcome != "left" && ($0.outcome != "unfinished" || $0.first != nil) }
        let waits = stayed.map(Self.wait).sorted()
        firstByteP50 = Self.quantile(waits, 0.5) / 1e6
        firstByteP99 = Self.quantile(waits, 0.99) / 1e6
        completed = ledger.filter { $0.outcome == "completed" }.count
        left = ledger.filter { $0.outcome == "left" }.count
        failures = ledger.filter(Self.hasFailed).count
        secondsToRecovery = Self.recovery(ledger, holeAt: start + UInt64(hole.from * 1e9))
        tokens = records.values.flatMap { $0 }.map(\.totalTokens).reduce(0, +)
        for entry in ledger where entry.outcome == "left" {
            let records = entry.id.flatMap { records[$0] } ?? []
            tokensUnseen += max(0, records.map(\.totalTokens).reduce(0, +) - entry.events)
            tokensWasted += records.map { Self.generated($0, after: entry.ended, interval) }.reduce(0, +)
        }
    }

    private static func hasFailed(_ entry: LedgerEntry) -> Bool {
        !["completed", "left", "unfinished"].contains(entry.outcome)
    }

    private static func wait(_ entry: LedgerEntry) -> Double { Double((entry.first ?? entry.ended) &- entry.began) }

    private static func quantile(_ sorted: [Double], _ fraction: Double) -> Double {
        sorted.isEmpty ? 0 : sorted[min(Int(Double(sorted.count) * fraction), sorted.count - 1)]
    }

    /// Who began before the black hole and had a first token before it tells what is usual.
    private static func recovery(_ ledger: [LedgerEntry], holeAt: UInt64) -> Double {
        let usual = ledger.filter { $0.first.map { $0 < holeAt } ?? false }.map(wait).sorted()
        let limit = 3 * quantile(usual, 0.99)
        let bad = ledger.filter { entry in
            entry.began >= holeAt && entry.outcome != "left" && (hasFailed(entry) || wait(entry) > limit)
        }
        return bad.map { Double($0.began - holeAt) / 1e9 }.max() ?? 0
    }

    /// Tokens come one each interval from the first on.
    private static func generated(_ record: MockRequestRecord, after time: UInt64, _ interval: UInt64) -> Int {
        guard let began = record.beganMicroseconds.map({ $0 * 1000 }), interval > 0 else { return 0 }
        let before = time < began ? 0 : Int((time - began) / interval) + 1
        return max(0, record.tokens - before)
    }

    var json: JSONObject {
        var object = JSONObject()
        object.set("first_byte_p50_ms", firstByteP50)
        object.set("first_byte_p99_ms", firstByteP99)
        object.set("completed", completed)
        object.set("left", left)
        object.set("failures", failures)
        object.set("seconds_to_recovery", secondsToRecovery)
        object.set("files_before", filesBefore)
        object.set("files_peak", filesPeak)
        object.set("files_after", filesAfter)
        object.set("tokens", tokens)
        object.set("tokens_unseen", tokensUnseen)
        object.set("tokens_wasted", tokensWasted)
        return object
    }
}

/// Both sides, for people.
package enum StormTable {
    package static func text(_ results: [(side: StormSide, result: StormResult)]) -> String {
        let rows: [(String, (StormResult) -> String)] = [
            ("first token, p50", { "\(Int($0.firstByteP50)) ms" }),
            ("first token, p99", { "\(Int($0.firstByteP99)) ms" }),
            ("streams completed", { "\($0.completed)" }),
            ("clients that left", { "\($0.left)" }),
            ("failures of those who stayed", { "\($0.failures)" }),
            ("seconds to recovery", { "\(($0.secondsToRecovery * 10).rounded() / 10)" }),
            ("open files before, peak, after", { "\($0.filesBefore), \($0.filesPeak), \($0.filesAfter)" }),
            ("tokens generated", { "\($0.tokens)" }),
            ("never seen by who left", { "\($0.tokensUnseen)" }),
            ("generated after they had left", { "\($0.tokensWasted)" }),
        ]
        var lines = [line("", results.map(\.side.title))]
        for (name, value) in rows { lines.append(line(name, results.map { value($0.result) })) }
        return lines.joined(separator: "\n")
    }

    private static func line(_ name: String, _ values: [String]) -> String {
        let title = name + String(repeating: " ", count: max(32 - name.count, 1))
        return title + values.map { String(repeating: " ", count: max(18 - $0.count, 1)) + $0 }.joined()
    }
}
