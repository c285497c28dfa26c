import MartletKnowledge
import MartletLogic
import Testing

@Suite struct WordReaderTests {
    private static let styles = """
        <w:styles xmlns:w="w"><w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>
        <w:style w:styleId="Mine"><w:name w:val="My heading"/><w:basedOn w:val="Two"/></w:style>
        <w:style w:styleId="Two"><w:name w:val="Heading 2"/></w:style>
        <w:style w:styleId="T"><w:name w:val="Title"/></w:style>
        <w:style w:styleId="C1"><w:name w:val="toc 1"/></w:style>
        <w:style w:styleId="Loop"><w:name w:val="loop"/><w:basedOn w:val="Loop"/></w:style></w:styles>
        """

    private func document(_ body: String, notes: String? = nil) async throws -> ReadDocument {
        var more = [(name: "word/styles.xml", text: Self.styles)]
        if let notes { more.append(("word/footnotes.xml", "<w:footnotes xmlns:w=\"w\">\(notes)</w:footnotes>")) }
        more.append(
            (
                "docProps/core.xml",
                "<c xmlns:dc=\"dc\"><dc:title>员工 手册</dc:title><dc:creator>人事部</dc:creator></c>"
            ))
        return try await read(Office.word(body, more), "手册.bin")
    }

    private func paragraph(_ text: String, style: String? = nil) -> String {
        let properties = style.map { "<w:pPr><w:pStyle w:val=\"\($0)\"/></w:pPr>" } ?? ""
        return "<w:p>\(properties)<w:r><w:t xml:space=\"preserve\">\(text)</w:t></w:r></w:p>"
    }

    @Test func `headings are those of the styles, through the styles they build on`() async throws {
        let found = try await document(
            paragraph("制度", style: "T") + paragraph("第一章  总则", style: "1") + paragraph("本制度适用于全体员工。")
                + paragraph("Leave", style: "Mine") + paragraph("Loops end.", style: "Loop")
                + paragraph("第一章\t3", style: "C1"))
        #expect(found.type == .word)
        #expect(found.text.text == "制度\n\n第一章 总则\n\n本制度适用于全体员工。\n\nLeave\n\nLoops end.")
        #expect(found.text.outline == ["1 制度", "1 第一章 总则", "2 Leave"])
        #expect(found.text.title == "员工 手册")
        #expect(found.metadata == ["author": .text("人事部")])
    }

    @Test func `words that runs cut in pieces are whole again`() async throws {
        let found = try await document(
            "<w:p><w:r><w:t>年</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>假 A&amp;B</w:t></w:r><w:r><w:tab/><w:t>x</w:t>"
                + "<w:br/><w:t>y</w:t></w:r></w:p>")
        #expect(found.text.text == "年假 A&B x\ny")
    }

    @Test func `a table is rows, a list has its marks`() async throws {
        let cells = ["年限", "天数", "1–9", "5"].map { "<w:tc>\(paragraph($0))</w:tc>" }
        let table = "<w:tbl><w:tr>\(cells[0])\(cells[1])</w:tr><w:tr>\(cells[2])\(cells[3])</w:tr></w:tbl>"
        let items = [0, 1].map {
            "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"\($0)\"/><w:numId w:val=\"1\"/></w:numPr></w:pPr><w:r><w:t>i\($0)"
                + "</w:t></w:r></w:p>"
        }
        let found = try await document(paragraph("Before") + table + items.joined() + paragraph("after"))
        #expect(found.text.text == "Before\n\n| 年限 | 天数 |\n| 1–9 | 5 |\n\n- i0\n  - i1\n\nafter")
    }

    @Test func `notes stand at the end, by their numbers`() async throws {
        let reference = "<w:p><w:r><w:t>Paid</w:t><w:footnoteReference w:id=\"2\"/><w:t>.</w:t></w:r></w:p>"
        let found = try await document(
            reference,
            notes: "<w:footnote w:type=\"separator\" w:id=\"-1\"><w:p/></w:footnote><w:footnote w:id=\"2\">"
                + paragraph("By law.") + "</w:footnote>")
        #expect(found.text.text == "Paid[^2].\n\n[^2]: By law.")
    }

    @Test func `what was deleted or is there twice is left out`() async throws {
        let found = try await document(
            "<w:p><w:r><w:t>a</w:t></w:r><w:del><w:r><w:delText>no</w:delText><w:t>no</w:t></w:r></w:del>"
                + "<w:ins><w:r><w:t>b</w:t></w:r></w:ins>"
                + "<mc:AlternateContent xmlns:mc=\"m\"><mc:Choice><w:r><w:t>c</w:t></w:r></mc:Choice><mc:Fallback>"
                + "<w:r><w:t>c</w:t></w:r></mc:Fallback></mc:AlternateContent></w:p>")
        #expect(found.text.text == "abc")
    }
}
