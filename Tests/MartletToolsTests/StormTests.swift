import Testing

@testable import MartletTools

/// What is made of the clients' ledger and the backends' books.
@Suite struct StormResultTests {
    private static let millisecond: UInt64 = 1_000_000

    /// Times in milliseconds after the beginning.
    private func entry(
        _ outcome: String, began: UInt64, first: UInt64? = nil, ended: UInt64, events: Int = 0, id: String? = nil
    ) -> LedgerEntry {
        LedgerEntry(
            id: id, outcome: outcome, status: 200, events: events, began: began * Self.millisecond,
            first: first.map { $0 * Self.millisecond }, ended: ended * Self.millisecond)
    }

    private func result(_ ledger: [LedgerEntry], _ records: [MockRequestRecord] = []) -> StormResult {
        StormResult(
            ledger: ledger, records: Dictionary(grouping: records, by: \.id), start: 0, hole: (from: 1, to: 2),
            interval: 10 * Self.millisecond)
    }

    @Test func whoWaitedInVainCountsWithTheWait() {
        let waits = (0..<9).map { entry("completed", began: $0, first: $0 + 100, ended: $0 + 200) }
        let result = result(waits + [entry("timeout", began: 0, ended: 8000)])
        #expect(result.firstByteP50 == 100)
        #expect(result.firstByteP99 == 8000)
        #expect(result.failures == 1 && result.completed == 9)
    }

    @Test func whoLeftIsNoFailureAndHasNoPartInTheTimes() {
        let result = result([
            entry("completed", began: 0, first: 100, ended: 200), entry("left", began: 0, ended: 9000),
            entry("unfinished", began: 0, ended: 9000),
        ])
        #expect(result.failures == 0 && result.left == 1)
        #expect(result.firstByteP99 == 100)
    }

    @Test func recoveryIsTheLastRequestThatWasHit() {
        let usual = (0..<9).map { entry("completed", began: $0, first: $0 + 100, ended: $0 + 200) }
        #expect(result(usual).secondsToRecovery == 0)
        let late = entry("completed", began: 1500, first: 1801, ended: 1900)
        #expect(result(usual + [late]).secondsToRecovery == 0.5)
        let bearable = entry("completed", began: 1900, first: 2150, ended: 2200)
        #expect(result(usual + [late, bearable]).secondsToRecovery == 0.5)
        let failed = entry("timeout", began: 2500, ended: 4000)
        #expect(result(usual + [late, failed]).secondsToRecovery == 1.5)
        let before = entry("timeout", began: 900, ended: 4000)
        #expect(result(usual + [before]).secondsToRecovery == 0)
    }

    @Test func tokensOfLeaversAreWastedFromTheMomentTheyLeft() {
        var record = MockRequestRecord(id: "a", receivedMicroseconds: 0)
        record.beganMicroseconds = 100_000
        record.tokens = 10
        record.totalTokens = 10
        // Tokens at 100, 110, … 190 ms; the client saw two and left at 135 ms, after the fourth.
        let left = entry("left", began: 0, first: 100, ended: 135, events: 2, id: "a")
        let result = result([left], [record])
        #expect(result.tokens == 10)
        #expect(result.tokensUnseen == 8)
        #expect(result.tokensWasted == 6)
    }

    @Test func tableHasAColumnForEachSide() {
        var nginx = StormResult()
        nginx.failures = 7
        let text = StormTable.text([(.nginx, nginx), (.martlet, StormResult())])
        let lines = text.split(separator: "\n")
        #expect(lines[0].split(separator: " ") == ["nginx", "Martlet"])
        #expect(lines.contains { $0.hasPrefix("failures") && $0.split(separator: " ").suffix(2) == ["7", "0"] })
        #expect(Set(lines.map(\.count)).count == 1, "columns are straight")
    }
}
