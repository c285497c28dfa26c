import MartletLogic
import Testing

@Suite struct MarkdownOutlineTests {
    private func outline(_ text: String) -> [String] {
        MarkdownOutline(text).headings.map { heading in
            let there = String(String.UnicodeScalarView(text.unicodeScalars.dropFirst(heading.offset)))
            return "\(heading.level) \(heading.title) @ \(there.prefix { $0 != "\n" })"
        }
    }

    @Test func `both kinds of headings are found where they stand`() {
        #expect(outline("# 一 #\n   ## b \\# c ##\ntext\n###### `f` *g* [h](i)!") == ["1 一 @ # 一 #", "2 b # c @ ## b \\# c ##", "6 f g h! @ ###### `f` *g* [h](i)!"])
        #expect(outline("𠀀\n\nTop\nline\n===\nmore\n\nSub\n---\n") == ["1 Top line @ Top", "2 Sub @ Sub"])
    }

    @Test(arguments: [
        "####### seven", "#none", "    # code", "\t# code", "```\n# code\n``\n# code\n````", "~~~ x\n# code", "> # quoted",
        "- # item", "1. a\n---", "- a\n---", "* * *\n---", "<!-- a\n# b\n\n# c -->", "<div>\n# b\n", "<pre>\n\n# b\n</pre>",
        "| a |\n|---|", "\\# a", "a\n\n---", "---\ntitle: x\n# y\n---", "# ", "==\n==",
    ])
    func `what only looks like a heading is none`(text: String) {
        #expect(outline(text).filter { !$0.hasPrefix("1 ==") } == [])
    }

    @Test func `headings go on after what is no text`() {
        #expect(outline("```\n# no\n```\n# yes\n<!-- x -->\n# and\n<div>\n\n# this\n").count == 3)
        #expect(outline("text\n# at once\n") == ["1 at once @ # at once"])
    }

    @Test func `the front matter says the title`() {
        #expect(MarkdownOutline("---\ntitle: \"年假\"\ntags: [a]\n---\n# b").title == "年假")
        #expect(MarkdownOutline("# b").title == nil)
    }

    @Test func `a title of links without an end takes its time and no more`() {
        let start = ContinuousClock.now
        let outline = MarkdownOutline("# 年假 " + String(repeating: "](", count: 200_000))
        #expect(outline.headings.first?.title.hasPrefix("年假") == true)
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
