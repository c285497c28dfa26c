import MartletWire
import NIOCore
import Testing

@Suite("A request weighs what a member of its body says")
struct BodyWeightTests {
    private func weight(_ body: String, of member: String = "n") -> Int {
        BodyWeight(of: member).weight(of: ByteBuffer(string: body))
    }

    @Test(
        "A number weighs itself, rounded up and within bounds",
        arguments: [
            (#"{"n":3}"#, 3), (#" { "n" : 0 } "#, 0), (#"{"n":2.1}"#, 3), (#"{"n":1e2}"#, 100), (#"{"n":-7}"#, 0),
            (#"{"n":-1e300}"#, 0), (#"{"n":1e300}"#, BodyWeight.most), (#"{"n":1e400}"#, BodyWeight.most),
            (#"{"n":99999999999999999999}"#, BodyWeight.most),
        ])
    func numbers(_ body: String, _ weight: Int) {
        #expect(self.weight(body) == weight)
    }

    @Test(
        "A list weighs as many as it has elements, a string as many as it has characters",
        arguments: [
            (#"{"n":[]}"#, 0), (#"{"n":["a",[2,3],{"n":[]},null]}"#, 4), (#"{"n":""}"#, 0), (#"{"n":"abc"}"#, 3),
            (#"{"n":"h\u00e4\"\n"}"#, 4), ("{\"n\":\"h\u{e4}\u{1f600}\"}", 3), (#"{"n":"\ud83d\ude00\ud83d"}"#, 2),
        ])
    func lengths(_ body: String, _ weight: Int) {
        #expect(self.weight(body) == weight)
    }

    @Test(
        "All else weighs 1",
        arguments: [
            "", "{}", "[1,2]", "12", "--form\r\n", "n=5", #"{"m":5}"#, #"{"n":null}"#, #"{"n":true}"#, #"{"n":{"n":5}}"#,
            #"{"m":{"n":5}}"#, #"{"n":5"#, #"{"n":05}"#, #"{"n":"5}"#, #"{"m":5 "n":5}"#,
        ])
    func others(_ body: String) {
        #expect(weight(body) == 1)
    }

    @Test("The first member of the name counts, and what follows it is not read")
    func firstMember() {
        #expect(weight(#"{"m":"{\"n\":9}","n":5,"n":6}"#) == 5)
        #expect(weight(#"{"\u006e":7}"#) == 7)
        #expect(weight(#"{"n":5,oh"#) == 5)
        #expect(weight(#"{"input":["a","b"],"n":5}"#, of: "input") == 2)
    }

    @Test("Of a body that is too long to read the member counts where it is near its beginning")
    func longBodies() {
        let long = String(repeating: "x", count: BodyWeight.longestLook)
        #expect(weight(#"{"n":8,"m":"\#(long)"}"#) == 8)
        #expect(weight(#"{"m":"\#(long)","n":8}"#) == BodyWeight.most)
        #expect(weight(#"{"n":"\#(long)"}"#) == BodyWeight.most)
        #expect(weight(#"{"n":5,"m":{},"o":"\#(long)"}"#, of: "m") == 1)
        #expect(weight(long) == 1)
        let cut = #"{"m":"\#(long.dropLast(14))","n":12345}"#
        #expect(cut.utf8.count > BodyWeight.longestLook)
        #expect(weight(cut) == BodyWeight.most, "what is seen of the number is not all of it")
    }
}
