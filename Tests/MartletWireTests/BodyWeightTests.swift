import Foundation
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
        "What is no object, and an object without the member, weighs 1",
        arguments: [
            "", " ", "{}", "[1,2]", "12", "--form\r\n", "n=5", #"{"m":5}"#, #"{"n":null}"#, #"{"n":true}"#,
            #"{"n":{"n":5}}"#, #"{"m":{"n":5}}"#, #"{"m":"\ud83d"}"#, #"{"m":NaN}"#,
        ])
    func others(_ body: String) {
        #expect(weight(body) == 1)
    }

    @Test(
        "An object that cannot be followed to its end is alone in its batch, wherever it breaks off",
        arguments: [
            "{", #"{"n":5"#, #"{"n":05}"#, #"{"n":"5}"#, #"{"m":5 "n":5}"#, #"{"n":5,oh"#, #"{"n":1}{"#,
            #"{"n":1,"n":NaN}"#, #"{"\ud83d":1,"n":5}"#,
        ])
    func broken(_ body: String) {
        #expect(weight(body) == BodyWeight.most)
    }

    @Test("So is one that is nested too deep to be followed")
    func deepNesting() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(weight(#"{"m":\#(nested(64)),"n":5}"#) == 5)
        #expect(weight(#"{"m":\#(nested(65)),"n":5}"#) == BodyWeight.most)
    }

    @Test(
        "An object in another encoding than plain UTF-8 is alone in its batch",
        arguments: [
            String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian, .utf32, .utf32LittleEndian, .utf32BigEndian,
        ])
    func encodings(_ encoding: String.Encoding) throws {
        let bytes = try #require(#"{"n":5}"#.data(using: encoding))
        #expect(BodyWeight(of: "n").weight(of: ByteBuffer(bytes: bytes)) == BodyWeight.most)
    }

    @Test("Neither is one lighter for its byte order mark, nor an image heavier for its bytes")
    func marks() {
        #expect(weight("\u{feff}" + #"{"n":5}"#) == BodyWeight.most)
        #expect(BodyWeight(of: "n").weight(of: ByteBuffer(bytes: [0x89, 0x50, 0x4e, 0x47, 0, 0])) == 1)
        #expect(BodyWeight(of: "n").weight(of: ByteBuffer(bytes: [0xff, 0xd8, 0xff, 0xe0, 0, 0])) == 1)
    }

    @Test("The last member of the name counts, as for who computes it")
    func lastMember() {
        #expect(weight(#"{"m":"{\"n\":9}","n":5,"n":6}"#) == 6)
        #expect(weight(#"{"n":1,"n":"abcd","m":2}"#) == 4)
        #expect(weight(#"{"n":9,"n":null}"#) == 1)
        #expect(weight(#"{"n":1,"\u006e":7}"#) == 7)
        #expect(weight(#"{"input":["a","b"],"n":5}"#, of: "input") == 2)
    }

    @Test("A name is its characters, not what looks the same")
    func names() {
        let (composed, apart) = ("\u{e9}", "e\u{301}")
        #expect(weight("{\"\(composed)\":9,\"\(apart)\":2}", of: composed) == 9)
        #expect(weight("{\"\(composed)\":9,\"\(apart)\":2}", of: apart) == 2)
    }

    @Test("Of a body that is too long to read the member counts where it is near its beginning")
    func longBodies() {
        let long = String(repeating: "x", count: BodyWeight.longestLook)
        #expect(weight(#"{"n":8,"m":"\#(long)"}"#) == 8)
        #expect(weight(#"{"m":"\#(long)","n":8}"#) == BodyWeight.most)
        #expect(weight(#"{"n":"\#(long)"}"#) == BodyWeight.most)
        #expect(weight(#"{"n":5,"m":{},"o":"\#(long)"}"#, of: "m") == 1)
        #expect(weight(long) == 1)
        #expect(weight(#"{"n":8,"n":9,"m":"\#(long)"}"#) == 9)
        #expect(weight(#"{"n":8,"n":"\#(long)"}"#) == BodyWeight.most, "the second one does not end there")
        #expect(weight(#"{"n":8,oh"m":"\#(long)"}"#) == BodyWeight.most)
        #expect(weight(String(repeating: " ", count: BodyWeight.longestLook) + #"{"n":8}"#) == BodyWeight.most)
        let cut = #"{"m":"\#(long.dropLast(14))","n":12345}"#
        #expect(cut.utf8.count > BodyWeight.longestLook)
        #expect(weight(cut) == BodyWeight.most, "what is seen of the number is not all of it")
    }
}
