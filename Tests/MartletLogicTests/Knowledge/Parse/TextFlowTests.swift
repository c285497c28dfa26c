import MartletLogic
import Testing

@Suite struct TextFlowTests {
    @Test func `offsets count characters beyond the basic plane as one`() {
        var flow = TextFlow()
        flow.text("𠀀é")
        flow.beginHeading(2)
        flow.text(" 假 \n 期 ")
        flow.endHeading()
        flow.begin(.page(2))
        flow.text("x")
        let found = flow.finish(title: "  A \n B ")
        #expect(found.text == "𠀀é\n\n假 期\n\nx")
        #expect(found.headings == [HeadingMark(offset: 4, level: 2, title: "假 期")])
        #expect(found.places == [PlaceMark(offset: 9, place: .page(2))])
        #expect(found.title == "A B")
    }

    @Test func `what is empty leaves no trace`() {
        var flow = TextFlow()
        flow.beginHeading(1)
        flow.text("  ")
        flow.endHeading()
        flow.begin(.slide(1))
        flow.begin(.slide(2))
        flow.item(depth: 0, mark: "-")
        flow.beginTable()
        flow.beginCell()
        flow.endRow()
        flow.endTable()
        flow.paragraph()
        flow.text("a")
        flow.begin(.slide(3))
        #expect(flow.finish() == DocumentText(text: "a", places: [PlaceMark(offset: 0, place: .slide(2))]))
    }

    @Test func `names that are repeated with each chunk have a bound`() {
        let long = String(repeating: "年", count: 10_000)
        let heading = HeadingMark(offset: 0, level: .max, title: long)
        #expect(heading.level == 9 && heading.title.unicodeScalars.count == DocumentText.longestName)
        #expect(HeadingMark(offset: 0, level: -5, title: "a").level == 1)
        #expect(PlaceMark(offset: 0, place: .sheet(long)).place == .sheet(heading.title))
        var flow = TextFlow()
        flow.begin(.chapter(""))
        flow.beginHeading(1)
        for _ in 0..<1000 { flow.text("年假 ") }
        flow.endHeading()
        flow.rename(.chapter(""), to: .chapter(long))
        let found = flow.finish(title: long)
        #expect(found.headings.first?.title.unicodeScalars.count == 200 && found.title == heading.title)
        #expect(found.places.first?.place == .chapter(heading.title))
        #expect(found.text.hasSuffix("年假 年假"))
    }

    @Test func `words in cells count before their row is written`() {
        var flow = TextFlow()
        flow.beginTable()
        flow.beginCell()
        flow.text(String(repeating: "a", count: 5000))
        #expect(flow.bytes >= 5000)
        flow.beginHeading(1)
        flow.text("b")
        flow.endHeading()
        #expect(5000..<5200 ~= flow.bytes)
    }

    @Test func `a character that ends a text in a database becomes a blank`() {
        var builder = TextBuilder()
        builder.append("年\0假")
        #expect(builder.offset == 3)
        #expect(builder.finish() == "年 假")
        #expect(TextBuilder.text("a\0\0b") == "a  b")
    }

    @Test func `text that comes in many pieces is the same text`() {
        let text = String(repeating: "年假 five days\n", count: 5000)
        var builder = TextBuilder()
        for character in text { builder.append(String(character)) }
        #expect(builder.offset == text.unicodeScalars.count)
        #expect(builder.bytes == text.utf8.count)
        #expect(builder.finish() == text)
    }
}
