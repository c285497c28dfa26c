import Testing

@testable import Martlet

@Suite("LZString")
struct LZStringTests {
    @Test("What its own library makes is undone", arguments: [
        (#"{}"#, "N4XyA"),
        (#""#, "Q"),
        (#"{"configurable":{"words":["second"]}}"#, "N4Igxg9gdgZglgcwK4CcCGAjANgUxALlAHcIUATAZwIG0QKdIoyQBdAXzaA"),
        (#"{"tags":["Grüße ✓ 😀"]}"#, "N4IgLghg5gziBcBtEBxATgH4PsFMAEgyOR6C8G4AB7IAugL5A"),
        (#"abababababababababababababababababababababababababababababababababababababababab"#, "IYI17SOrZ+6IcxQ"),
    ])
    func vectors(text: String, compressed: String) {
        #expect(LZString.decompressed(compressed) == text)
    }

    @Test("What is none is refused", arguments: ["", "!!!", "zzzzzzzz", "AAAA", "N4", "ü"])
    func garbage(text: String) {
        #expect(LZString.decompressed(text) == nil)
    }

    @Test("A short text that stands for too much is refused")
    func bombs() {
        // Any bytes may come: none of them may end the process, nor take long.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-")
        for seed in 0..<2000 {
            var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
            let text = (0..<400).map { _ -> Character in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return alphabet[Int(state >> 58)]
            }
            #expect((LZString.decompressed(String(text))?.utf16.count ?? 0) <= LZString.bound)
        }
    }
}
