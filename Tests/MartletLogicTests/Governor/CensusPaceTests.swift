import MartletBase
import MartletLogic
import Testing

@Suite("Census pace")
struct CensusPaceTests {
    @Test("trouble that lasts is written down once in ten minutes")
    func once() {
        var pace = CensusPace()
        #expect(pace.isDue(now: at(0)) == true)
        for second in stride(from: 0.1, to: 600, by: 13) { #expect(pace.isDue(now: at(second)) == false) }
        #expect(pace.isDue(now: at(600)) == true)
        #expect(pace.isDue(now: at(1199)) == false)
        #expect(pace.isDue(now: at(5000)) == true)
    }

    @Test("what could not be written is tried again in a moment, not at once")
    func retries() {
        var pace = CensusPace()
        #expect(pace.isDue(now: at(0)) == true)
        pace.failed(now: at(0))
        #expect(pace.isDue(now: at(1.9)) == false)
        #expect(pace.isDue(now: at(2)) == true)
        #expect(pace.isDue(now: at(30)) == false)
    }
}
