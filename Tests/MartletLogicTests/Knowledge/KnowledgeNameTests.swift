import MartletLogic
import Testing

@Suite("What bases and documents may be called")
struct KnowledgeNameTests {
    @Test(
        "Ways out of a folder and control characters are hostile",
        arguments: [
            "../etc/passwd", "..", "a/../b", #"..\windows"#, "a/..", "x\u{0}y", "line\nbreak",
            "turn\u{202e}around", "\u{7f}",
        ])
    func hostile(_ name: String) {
        #expect(KnowledgeName.isHostile(name))
        #expect(!KnowledgeName.isValid(document: name))
        #expect(!KnowledgeName.isValid(base: name))
    }

    @Test("Honest names are kept", arguments: ["公司制度 2026.pdf", "wiki/Home.MD", "a..b.txt", "...", "emoji 🙂.md"])
    func documents(_ name: String) {
        #expect(KnowledgeName.isValid(document: name))
    }

    @Test("No document is called nothing, or as long as a text", arguments: ["", "/a", "a/", "a//b", "./a"])
    func notDocuments(_ name: String) {
        #expect(!KnowledgeName.isValid(document: name))
        #expect(!KnowledgeName.isValid(document: String(repeating: "名", count: 86)))
        #expect(KnowledgeName.isValid(document: String(repeating: "名", count: 85)))
    }

    @Test("A base is one word of an address")
    func bases() {
        for name in ["samples", "人事 制度", "kb.v2"] { #expect(KnowledgeName.isValid(base: name)) }
        for name in ["", " ", "a/b", "a?b", "a#b", ".", " a", "a "] { #expect(!KnowledgeName.isValid(base: name)) }
    }

    @Test("Chatchat's threshold of 2 leaves nothing out, 0 all but the same")
    func scores() {
        #expect(ChatchatScore.minimumCosine(for: 2) == nil)
        #expect(ChatchatScore.minimumCosine(for: 0) == 1)
        #expect(ChatchatScore.minimumCosine(for: 0.5) == 0.75)
        #expect(ChatchatScore.minimumCosine(for: 7) == nil)
        #expect(ChatchatScore.minimumCosine(for: -1) == 1)
    }
}
