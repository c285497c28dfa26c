import MartletBase
import Testing

@testable import MartletLogic

@Suite("What a model thinks and what it says")
struct ReasoningSplitterTests {
    private func split(_ text: String, cuts: [Int], thinksAtOnce: Bool = false) -> (reasoning: String, text: String) {
        var splitter = ReasoningSplitter(thinksAtOnce: thinksAtOnce)
        let bytes = Array(text.utf8)
        var pieces: [ReasoningSplitter.Piece] = []
        var start = 0
        for cut in cuts + [bytes.count] {
            pieces += splitter.read(bytes[start..<cut])
            start = cut
        }
        pieces += splitter.end()
        return pieces.reduce(into: ("", "")) { result, piece in
            switch piece {
            case .reasoning(let text): result.0 += text
            case .text(let text): result.1 += text
            }
        }
    }

    private static let cases: [(text: String, reasoning: String, said: String)] = [
        ("<think>\n想：年假？</think>\n\n五天🙂。", "想：年假？", "五天🙂。"),
        ("  <thinking>a < b </thin k></thinking>answer", "a < b </thin k>", "answer"),
        ("no thoughts <think>here</think>", "", "no thoughts <think>here</think>"),
        ("<think>cut off", "cut off", ""), ("<thin", "", "<thin"), ("<think></think>x", "", "x"), ("", "", ""),
    ]

    @Test("Cut at any byte, or at two, it is the same")
    func cuts() {
        for (text, reasoning, said) in Self.cases {
            let count = text.utf8.count
            for first in 0...count {
                for second in first...count {
                    let result = split(text, cuts: [first, second])
                    #expect(result == (reasoning, said), "\(text.debugDescription) at \(first), \(second)")
                }
            }
        }
    }

    @Test("A model whose template began to think only ends it")
    func thinksAtOnce() {
        #expect(split("so…</think>yes", cuts: [4], thinksAtOnce: true) == ("so…", "yes"))
    }

    @Test("Text is not held back longer than a mark may take")
    func holdsNothingBack() {
        var splitter = ReasoningSplitter()
        #expect(splitter.read("答") == [.text("答")])
        #expect(splitter.read("<t") == [.text("<t")])
        var thinking = ReasoningSplitter()
        #expect(thinking.read("<think>a<") == [.reasoning("a")])
        #expect(thinking.read("b") == [.reasoning("<b")])
    }
}
