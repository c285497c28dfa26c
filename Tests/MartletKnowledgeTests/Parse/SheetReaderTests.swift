import MartletKnowledge
import MartletLogic
import Testing

@Suite struct SheetReaderTests {
    private func workbook(_ sheets: [(name: String, rows: String)]) -> [UInt8] {
        let names = sheets.enumerated().map { "<sheet name=\"\($1.name)\" sheetId=\"\($0)\" r:id=\"s\($0)\"/>" }
        let relations =
            sheets.indices.map { ("s\($0)", "worksheet", "worksheets/sheet\($0).xml") } + [
                ("a", "sharedStrings", "/xl/sharedStrings.xml"), ("b", "styles", "styles.xml"),
            ]
        let strings = """
            <sst><si><t>姓名</t></si><si><t>入职日期</t></si>\
            <si><r><t>李</t></r><r><t>雷</t></r><rPh><t>lǐ</t></rPh></si>
            <si><t>Share</t></si></sst>
            """
        let styles = """
            <styleSheet><numFmts><numFmt numFmtId="170" formatCode="yyyy&quot;年&quot;m&quot;月&quot;"/></numFmts>
            <cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>
            <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="10"/></cellXfs></styleSheet>
            """
        let parts = [
            Office.contentTypes,
            (
                name: "xl/workbook.xml",
                text: "<workbook xmlns:r=\"r\"><sheets>\(names.joined())</sheets></workbook>"
            ),
            ("xl/_rels/workbook.xml.rels", Office.relations(relations)), ("xl/sharedStrings.xml", strings),
            ("xl/styles.xml", styles),
        ]
        return zip(
            parts
                + sheets.enumerated().map {
                    ("xl/worksheets/sheet\($0).xml", "<worksheet><sheetData>\($1.rows)</sheetData></worksheet>")
                })
    }

    @Test func `each row says its columns' names, dates and shares are readable`() async throws {
        let file = workbook([
            (
                "员工",
                """
                <row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="D1" t="s"><v>3</v></c></row>
                <row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" s="1"><v>45356</v></c>\
                <c r="D2" s="3"><v>0.125</v></c></row>
                <row r="3"/>
                <row r="4"><c r="A4" t="inlineStr"><is><t>韩 梅梅</t></is></c>\
                <c r="B4" s="2"><v>45356.5</v></c></row>
                """
            )
        ])
        let found = try await read(file, "staff")
        #expect(found.type == .sheet)
        #expect(
            found.text.text
                == "姓名: 李雷\n入职日期: 2024-03-05\nShare: 12.5%\n\n姓名: 韩 梅梅\n入职日期: 2024-03-05 12:00\n")
        #expect(found.text.rows.map { found.text.from($0, 6) } == ["姓名: 李雷", "姓名: 韩 "])
    }

    @Test func `sheets are places, and a sheet without names for its columns is rows of cells`() async throws {
        let numbers = "<row><c><v>1</v></c><c><v>0.30000000000000004</v></c></row><row><c t=\"b\"><v>1</v></c></row>"
        let file = workbook([("A", numbers), ("空", ""), ("B", numbers)])
        let found = try await read(file, "x.xlsx").text
        #expect(found.parts.map(\.place) == [.sheet("A"), .sheet("B")])
        #expect(found.parts.map(\.text) == ["| 1 | 0.3 |\n| TRUE |\n", "| 1 | 0.3 |\n| TRUE |\n"])
        #expect(found.rows == [0, 12, 21, 33])
    }

    @Test func `a sheet of one row keeps it`() async throws {
        let file = workbook([("A", "<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c></row>")])
        #expect(try await read(file, "x").text.text == "| 姓名 | 入职日期 |\n")
    }

    @Test func `a cell that refers to no string is empty`() async throws {
        let file = workbook([("A", "<row><c t=\"s\"><v>99</v></c><c t=\"s\"><v>-1</v></c><c><v>7</v></c></row>")])
        #expect(try await read(file, "x").text.text == "| 7 |\n")
    }
}
