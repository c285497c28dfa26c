import Testing

@testable import MartletLogic

@Suite("Patterns and numbers")
struct GlobTests {
    @Test(
        "patterns mean what they mean in Redis",
        arguments: [
            ("hello", "h?llo", true), ("hllo", "h?llo", false), ("heeeello", "h*llo", true), ("hello", "h[ae]llo", true),
            ("hillo", "h[ae]llo", false), ("hbllo", "h[^e]llo", true), ("hello", "h[^e]llo", false),
            ("hbllo", "h[a-c]llo", true), ("hbllo", "h[c-a]llo", true), ("h*llo", "h\\*llo", true),
            ("hello", "h\\*llo", false), ("", "", true), ("", "*", true), ("a", "", false), ("abc", "*c", true),
            ("abcabd", "*abd", true), ("a]", "a[]]", false), ("ab", "a[b", true), ("a\\", "a\\", true),
            ("a-c", "a[\\-]c", true), ("aXbXc", "a*b*c", true), ("/0.celeryev/worker.heartbeat", "/0.celeryev/worker.*", true),
        ])
    func patterns(text: String, pattern: String, fits: Bool) {
        #expect(Glob.matches(Bytes(text), Bytes(pattern)) == fits)
    }

    @Test("many stars are no way to keep the broker busy")
    func stars() {
        let text = Bytes(Array(repeating: UInt8(ascii: "a"), count: 5000))
        #expect(!Glob.matches(text, Bytes(String(repeating: "*a", count: 40) + "b")))
    }

    @Test("integers are read strictly")
    func integers() {
        #expect(NumberText.integer("-9223372036854775808") == Int64.min)
        #expect(NumberText.integer("9223372036854775807") == Int64.max)
        for text in ["", "-", "+1", "01", "-0", " 1", "1 ", "9223372036854775808", "-9223372036854775809", "1.0"] {
            #expect(NumberText.integer(Bytes(text)) == nil, "\(text)")
        }
    }

    @Test("scores are read as C reads them, and written as short as possible")
    func scores() {
        #expect(NumberText.double("+inf") == .infinity)
        #expect(NumberText.double("0x10") == 16)
        for text in ["", "nan", "1e400", " 1", "1x", "1\0"] { #expect(NumberText.double(Bytes(text)) == nil, "\(text)") }
        let scores: [Double] = [1, -0.0, 0.1, 1e16, 1e17, 1e300, -.infinity, 1e-7, 1_700_000_000.25]
        #expect(
            scores.map { NumberText.text($0).text } == [
                "1", "-0", "0.1", "10000000000000000", "1e+17", "1e+300", "-inf", "1e-07", "1700000000.25",
            ])
    }

    @Test("counted floats are written without an exponent, however large or small they are")
    func wide() {
        let shown: [Wide] = [0, -0.0, 0.5, 1e-17, 1e-18, 9_223_372_036_854_775_808, 1e22, -2.25, 1e-300]
        #expect(
            shown.map { NumberText.text($0).text } == [
                "0", "0", "0.5", "0.00000000000000001", "0", "9223372036854775808", "10000000000000000000000", "-2.25", "0",
            ])
        #expect(NumberText.text(Wide.greatestFiniteMagnitude).count > 300)
    }
}
