import InMemoryLogging
import Logging
import MartletBase
import MartletLogic
import MartletNet
import Testing

@testable import MartletWorkers

@Suite(.timeLimit(.minutes(1))) struct BackendOutputTests {
    private let logs = InMemoryLogHandler()

    @Test func whatWasLeftOutIsToldThoughNothingMoreIsPrinted() async {
        let logs = logs
        let output = BackendOutput(
            logger: Logger(label: "backend") { _ in logs }, now: { Instant(nanoseconds: 1) }, pause: .milliseconds(1))
        let telling = Task { await output.tellOfGaps() }
        for number in 0..<OutputAllowance.burst + 7 { output.log("\(number)", from: .output) }
        let told = { logs.entries.filter { $0.level == .warning } }
        #expect(await Processes.eventually { told().compactMap { $0.metadata["lines"] }.count > 0 })
        // In one go or in several: each line is counted once.
        #expect(await Processes.eventually {
            told().compactMap { $0.metadata["lines"].flatMap { Int("\($0)") } }.reduce(0, +) == 7
        })
        telling.cancel()
        await telling.value
    }
}

@Suite struct PortLedgerTests {
    @Test func aPortThatTheConfigurationGivesToOneIsNotPickedForAnother() {
        let ledger = PortLedger()
        ledger.reserve(Set(20_000..<31_999))
        for _ in 0..<20 {
            guard let port = ledger.claim(nil) else { continue }
            #expect(port == 31_999)
            ledger.giveBack(port)
        }
        #expect(ledger.claim(20_000) == 20_000, "by the one that it is for")
        #expect(ledger.claim(20_000) == nil)
    }
}
