import MartletLogic

/// ODT: paragraphs, headings, lists, tables, notes where they are referred to.
enum OpenDocumentReader {
    static func read(_ parts: ArchiveReading) throws -> ReadDocument {
        let handler = OpenDocumentHandler(parts.reading)
        try parts.xml("content.xml", handler)
        let properties = DocumentProperties()
        try parts.optionalList("meta.xml", properties)
        return ReadDocument(
            type: .openDocument, text: handler.flow.finish(title: properties.title), metadata: properties.metadata)
    }
}

private final class OpenDocumentHandler: MarkupHandler {
    /// Deleted text, remarks, and the table of contents, which is what the headings say.
    private static let hidden: Set = ["tracked-changes", "annotation", "table-of-content", "note-citation"]

    var flow = TextFlow()
    private let reading: Reading
    private var skip = SkippedElement()
    private var lists = 0
    private var notes = 0
    /// Words stand in paragraphs and headings only.
    private var depth = 0

    init(_ reading: Reading) { self.reading = reading }

    func begin(_ name: String, _ attributes: MarkupAttributes) throws {
        if skip.begins(name, if: Self.hidden.contains(name)) { return }
        switch name {
        case "h":
            depth += 1
            flow.beginHeading(attributes["outline-level"].flatMap { Int($0) } ?? 1)
        case "p":
            depth += 1
            if notes == 0 { flow.paragraph() }
        case "s", "tab": flow.text(" ")
        case "line-break": flow.line()
        case "list": lists += 1
        case "list-item": flow.item(depth: max(0, lists - 1), mark: "-")
        case "note":
            notes += 1
            flow.text(" (")
        case "table": flow.beginTable()
        case "table-cell": flow.beginCell()
        default: break
        }
        try reading.check(textBytes: flow.bytes)
    }

    func end(_ name: String) {
        if skip.ends(name) { return }
        switch name {
        case "h":
            depth -= 1
            flow.endHeading()
        case "p":
            depth -= 1
            if notes == 0 { flow.paragraph() }
        case "list":
            lists -= 1
            if lists == 0 { flow.paragraph() }
        case "note":
            notes -= 1
            flow.text(")")
        case "table": flow.endTable()
        case "table-cell": flow.endCell()
        case "table-row": flow.endRow()
        default: break
        }
    }

    func text(_ text: String) throws {
        guard depth > 0, !skip.isInside else { return }
        flow.text(text)
        try reading.check(textBytes: flow.bytes)
    }
}
