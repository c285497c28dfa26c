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

    @Test func `text that comes in many pieces is the same text`() {
        let text = String(repeating: "年假 five days\n", count: 5000)
        var builder = TextBuilder()
        for character in text { builder.append(String(character)) }
        #expect(builder.offset == text.unicodeScalars.count)
        #expect(builder.bytes == text.utf8.count)
        #expect(builder.finish() == text)
    }
}
