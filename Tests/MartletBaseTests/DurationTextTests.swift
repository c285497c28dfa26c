import MartletBase
import Testing

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("30s", .seconds(30)), ("10m", .seconds(600)), ("2h", .seconds(7200)),
        ("1.5s", .milliseconds(1500)),
    ])
    func readsWhatPeopleWrite(text: String, expected: Duration) {
        #expect(Duration(text: text) == expected)
    }

    @Test(arguments: ["", "10", "s", "-1s", "1 s", "1e3s", "١s", "10x", ".5s"])
    func refusesEverythingElse(text: String) {
        #expect(Duration(text: text) == nil)
    }

    @Test(arguments: ["0", "0s", "0ms", "0.0", "-1", "", "nan", "inf", "1e6"])
    func aTimeoutOfNothingIsNone(text: String) {
        #expect(Duration(textOrSeconds: text) == nil)
    }

    @Test(arguments: [
        Duration.zero, .milliseconds(1), .seconds(90), .seconds(3600), .microseconds(7),
        .microseconds(5_151_252_551_251),
    ])
    func printsWhatItReads(duration: Duration) {
        #expect(Duration(text: duration.text) == duration)
    }
}
