import Testing

@testable import Martlet

@Suite("Thoughts are told from words, however the text is cut")
struct ThinkSplitterTests {
    private func split(_ pieces: [String]) -> [String] {
        var splitter = ThinkSplitter()
        var (thinking, content) = ("", "")
        for part in pieces.map({ splitter.take($0) }) + [splitter.finish()] {
            thinking += part.thinking
            content += part.content
        }
        return [thinking, content]
    }

    /// Cut after every character, and in two at every place.
    private func cuts(_ text: String) -> [[String]] {
        let halves = text.indices.map { [String(text[..<$0]), String(text[$0...])] }
        return halves + [text.map(String.init), [text]]
    }

    @Test(
        "Every cut of one text means the same",
        arguments: [
            ("<think>\nhm, <b>\n</think>\n\nYes. <think>", ["hm, <b>\n", "Yes. <think>"]),
            ("  <think></think>x", ["", "x"]),
            ("<think>no end </thin", ["no end </thin", ""]),
            ("plain <think>x</think>", ["", "plain <think>x</think>"]),
            ("<thing>", ["", "<thing>"]),
            ("<thi", ["", "<thi"]),
            ("<think>a</think>", ["a", ""]),
        ])
    func cutsMeanTheSame(_ text: String, _ expected: [String]) {
        for pieces in cuts(text) { #expect(split(pieces) == expected, "\(pieces)") }
    }

    @Test("Words are not held back longer than they may be a mark")
    func wordsFlow() {
        var splitter = ThinkSplitter()
        #expect(splitter.take("Hel").content == "Hel")
        #expect(splitter.take("lo <").content == "lo <")
        var thinker = ThinkSplitter()
        #expect(thinker.take("<think>a<").thinking == "a")
        #expect(thinker.take("b").thinking == "<b")
    }
}
