import MartletKnowledge
import MartletLogic
import Testing

@Suite struct SlidesReaderTests {
    private func shape(_ role: String, _ text: String) -> String {
        """
        <p:sp><p:nvSpPr><p:nvPr><p:ph type="\(role)"/></p:nvPr></p:nvSpPr>\
        <p:txBody><a:p><a:r><a:t>\(text)</a:t></a:r></a:p>
        </p:txBody></p:sp>
        """
    }

    private func slide(_ shapes: String) -> String { "<p:sld xmlns:p=\"p\" xmlns:a=\"a\">\(shapes)</p:sld>" }

    @Test func `slides come in the presentation's order, with titles and the speaker's notes`() async throws {
        let row = "<a:tr><a:tc><a:txBody><a:p><a:r><a:t>Q1</a:t></a:r></a:p></a:txBody></a:tc></a:tr>"
        let file = zip([
            Office.contentTypes,
            (
                "ppt/presentation.xml",
                "<p:presentation xmlns:p=\"p\" xmlns:r=\"r\"><p:sldIdLst><p:sldId id=\"1\" r:id=\"b\"/>"
                    + "<p:sldId id=\"2\" r:id=\"a\"/></p:sldIdLst></p:presentation>"
            ),
            (
                "ppt/_rels/presentation.xml.rels",
                Office.relations([("a", "slide", "slides/slide1.xml"), ("b", "slide", "slides/slide2.xml")])
            ),
            ("ppt/slides/slide1.xml", slide(shape("title", "第二张") + "<a:tbl>\(row)</a:tbl>" + shape("sldNum", "9"))),
            ("ppt/slides/slide2.xml", slide(shape("ctrTitle", "Plan 2025") + shape("body", "Hire two people"))),
            (
                "ppt/slides/_rels/slide2.xml.rels",
                Office.relations([("n", "notesSlide", "../notesSlides/notes1.xml")])
            ),
            ("ppt/notesSlides/notes1.xml", slide(shape("body", "Say thanks") + shape("sldNum", "1"))),
        ])
        let found = try await read(file, "deck.zip")
        #expect(found.type == .slides)
        #expect(found.text.text == "Plan 2025\n\nHire two people\n\nSay thanks\n\n第二张\n\n| Q1 |")
        #expect(found.text.outline == ["1 Plan 2025", "1 第二张"])
        #expect(found.text.places == [PlaceMark(offset: 0, place: .slide(1)), PlaceMark(offset: 40, place: .slide(2))])
    }
}

@Suite struct BookReaderTests {
    @Test func `chapters follow the spine, whatever the archive's order`() async throws {
        let file = zip(
            [
                ("mimetype", "application/epub+zip"),
                (
                    "META-INF/container.xml",
                    "<container><rootfiles><rootfile full-path=\"O/b.opf\"/></rootfiles></container>"
                ),
                ("O/two.xhtml", "<html><body><h2>Chapter B</h2><p>Late&nbsp;&eacute;</p></body></html>"),
                ("O/t/one 1.xhtml", "<html><head><title>第一回</title></head><body><p>话说天下大势</p></body></html>"),
                ("O/nav.xhtml", "<html><body><h1>Contents</h1></body></html>"),
                (
                    "O/b.opf",
                    """
                    <package xmlns:dc="dc"><metadata><dc:title>三国</dc:title>\
                    <dc:creator>罗贯中</dc:creator></metadata>
                    <manifest><item id="2" href="two.xhtml"/><item id="1" href="t/one%201.xhtml"/>
                    <item id="n" href="nav.xhtml" properties="nav"/></manifest>
                    <spine><itemref idref="n"/><itemref idref="1"/><itemref idref="2"/>\
                    <itemref idref="gone"/></spine></package>
                    """
                ),
            ], isPacked: false)
        let found = try await read(file, "book")
        #expect(found.type == .book)
        #expect(found.text.title == "三国")
        #expect(found.metadata == ["author": .text("罗贯中")])
        #expect(found.text.parts.map(\.place) == [.chapter("第一回"), .chapter("Chapter B")])
        #expect(found.text.parts.map(\.text) == ["话说天下大势\n\n", "Chapter B\n\nLate\u{a0}é"])
        #expect(found.text.outline == ["2 Chapter B"])
    }
}

@Suite struct OpenDocumentReaderTests {
    @Test func `headings, lists, tables and notes are read`() async throws {
        let content = """
            <o xmlns:text="t" xmlns:table="b"><text:h text:outline-level="2">休假</text:h>
            <text:p>一<text:s/>二<text:note><text:note-citation>1</text:note-citation><text:p>see law</text:p>\
            </text:note></text:p>
            <text:list><text:list-item><text:p>a</text:p></text:list-item>
            <text:list-item><text:p>b</text:p></text:list-item></text:list>
            <table:table><table:table-row><table:table-cell><text:p>x</text:p></table:table-cell>
            <table:table-cell><text:p>y</text:p></table:table-cell></table:table-row></table:table></o>
            """
        let found = try await read(
            zip([("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", content)]), "x.odt")
        #expect(found.type == .openDocument)
        #expect(found.text.text == "休假\n\n一 二 (see law)\n\n- a\n- b\n\n| x | y |")
        #expect(found.text.outline == ["2 休假"])
    }
}
