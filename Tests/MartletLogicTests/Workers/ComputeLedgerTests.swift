import MartletBase
import MartletLogic
import Testing

@Suite struct ComputeLedgerTests {
    /// A group whose requests take a tenth of a second.
    private func settled() -> Group {
        var group = Group()
        group.settle(after: 0.1)
        return group
    }

    private func about(_ seconds: Double) -> ClosedRange<Double> { (seconds - 0.001)...(seconds + 0.001) }

    @Test func oneThatWasNeverBegunSavesAsMuchAsOneTakes() {
        var group = settled()
        group.arrive(1...2)
        group.cancel(2)
        #expect(about(0.1).contains(group.machine.compute.saved(.queued)))
        #expect(group.machine.compute.wasted == 0)
    }

    @Test func oneThatIsStoppedSavesWhatIsLeftOfIt() {
        var ledger = settled().machine.compute
        ledger.givenUp(.computing, after: 0.03)
        #expect(about(0.07).contains(ledger.saved(.computing)) && about(0.03).contains(ledger.wasted))
        ledger.givenUp(.streaming, after: 5)
        #expect(ledger.saved(.streaming) == 0, "it took longer than most")
    }

    @Test func oneThatIsComputedAllTheSameIsWasted() {
        var group = settled()
        group.arrive(.number(1))
        group.cancel(1)
        group.finish(1, at: group.now + 0.1)
        #expect(about(0.1).contains(group.machine.compute.wasted))
    }

    @Test(arguments: [-1, .nan, .infinity, 1e300]) func whateverAWorkerSaysSumsStayNumbers(seconds: Double) {
        var ledger = ComputeLedger()
        ledger.givenUp(.waiting, after: seconds)
        #expect(ledger.wasted.isFinite && ledger.wasted >= 0 && ledger.saved(.waiting) == 0)
    }
}
