import Foundation
import MartletWire
import Testing

@Suite("Doubles are written as Redis 7.0 writes them")
struct RESPDoubleTests {
    /// What redis-server 7.0.15 answered to `ZSCORE`.
    static let answers: [(Double, String)] = [
        (1, "1"), (1.1, "1.1000000000000001"), (0.1, "0.10000000000000001"), (1e21, "1e+21"),
        (123456789012345680, "1.2345678901234568e+17"), (99999999999999984, "99999999999999984"),
        (1732258912.123456, "1732258912.123456"), (.infinity, "inf"), (-.infinity, "-inf"),
        (3.0e-5, "3.0000000000000001e-05"), (0.00012345, "0.00012344999999999999"), (1e-7, "9.9999999999999995e-08"),
        (.leastNonzeroMagnitude, "4.9406564584124654e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"), (0.5, "0.5"),
        (1e17, "1e+17"), (12345678901234568, "12345678901234568"), (1e16, "10000000000000000"),
    ]

    @Test("Known answers", arguments: answers)
    func knownAnswers(_ value: Double, _ text: String) {
        #expect(RESPDouble.text(value) == text)
        #expect(RESPDouble.value(text) == value)
    }

    @Test("Random doubles of every size, as C's %.17g has them")
    func randomDoubles() {
        var random = SeededRandom(seed: 17)
        for round in 0..<2000 {
            let bits = random.next()
            // Every bit pattern, then those of scores: times, in seconds and milliseconds, with fractions.
            let value =
                switch round % 4 {
                case 0: Double(bitPattern: bits)
                case 1: Double(bitPattern: bits & 0x000f_ffff_ffff_ffff)
                case 2: Double(bits % 2_000_000_000_000) / 1000
                default: Double(Int64(bitPattern: bits)) / Double(1 << (bits % 60))
                }
            guard value.isFinite else { continue }
            #expect(RESPDouble.text(value) == String(format: "%.17g", value), "\(value)")
            #expect(RESPDouble.value(RESPDouble.text(value)) == value)
        }
    }

    @Test("What is no number is none")
    func notNumbers() {
        for text in ["", "1,5", "0x10", "infinity", "1e", " 1", "+", "e5", "--1"] {
            #expect(RESPDouble.value(text) == nil, "\(text)")
        }
        #expect(RESPDouble.value("nan")?.isNaN == true)
    }
}
