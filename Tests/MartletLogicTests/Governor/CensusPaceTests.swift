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
        #expect(pace.failed(now: at(0)) == true)
        #expect(pace.isDue(now: at(1.9)) == false)
        #expect(pace.isDue(now: at(2)) == true)
        #expect(pace.isDue(now: at(30)) == false)
    }

    @Test("a disk that stays full is tried more and more seldom, and told of once")
    func failsForLong() {
        var pace = CensusPace()
        var (time, tries, words) = (0.0, [Double](), 0)
        while time < 3_000 {
            if pace.isDue(now: at(time)) {
                tries.append(time)
                if pace.failed(now: at(time)) { words += 1 }
            }
            time += 1
        }
        #expect(tries == [0, 2, 6, 14, 30, 62, 126, 254, 510, 1022, 1622, 2222, 2822])
        #expect(words == 1)
        #expect(pace.isDue(now: at(3_422)) == true)
        #expect(pace.written() == true)
        #expect(pace.isDue(now: at(4_022)) == true)
        #expect(pace.written() == false)
        #expect(pace.isDue(now: at(4_622)) == true)
        #expect(pace.failed(now: at(4_622)) == true)
        #expect(pace.isDue(now: at(4_624)) == true)
    }
}
