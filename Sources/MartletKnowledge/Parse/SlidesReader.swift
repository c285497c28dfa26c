import MartletLogic

/// PPTX: slides in their order, each with its title and its notes.
enum SlidesReader {
    private static let main = "ppt/presentation.xml"

    static func read(_ parts: ArchiveReading) throws -> ReadDocument {
        let order = SlideOrder()
        try parts.list(main, order)
        let targets = try parts.relations(of: main)
        let handler = SlideHandler(parts.reading)
        for (index, id) in order.ids.enumerated() {
            guard let slide = targets[id]?.target, parts.archive.contains(slide) else { continue }
            handler.flow.begin(.slide(index + 1))
            handler.isNotes = false
            try parts.xml(slide, handler)
            let notes = try parts.relations(of: slide).values.first { $0.type == "notesSlide" }
            guard let notes else { continue }
            handler.isNotes = true
            if parts.archive.contains(notes.target) { try parts.xml(notes.target, handler) }
        }
        let properties = try parts.properties()
        return ReadDocument(
            type: .slides, text: handler.flow.finish(title: properties.title), metadata: properties.metadata)
    }
}

private final class SlideOrder: MarkupHandler {
    private(set) var ids: [String] = []

    func begin(_ name: String, _ attributes: MarkupAttributes) {
        if name == "sldId", let id = attributes[prefixed: "id"] { ids.append(id) }
    }

    func end(_ name: String) {}
    func text(_ text: String) {}
}

/// The text of a slide, or of its notes.
private final class SlideHandler: MarkupHandler {
    var flow = TextFlow()
    /// Of notes, only what the speaker wrote.
    var isNotes = false
    private let reading: Reading
    private var skip = SkippedElement()
    private var isInText = false
    /// What the shape is there for: `title`, `body`, `sldNum`; nil: anything else.
    private var role: String?
    private var isTitle: Bool { !isNotes && (role == "title" || role == "ctrTitle") }

    init(_ reading: Reading) { self.reading = reading }

    func begin(_ name: String, _ attributes: MarkupAttributes) throws {
        if skip.begins(name, if: name == "Fallback") { return }
        switch name {
        case "sp": role = nil
        case "ph": role = attributes["type"] ?? "body"
        case "p": flow.paragraph()
        case "txBody": if isTitle { flow.beginHeading(1) }
        case "t": isInText = isShown
        case "br": flow.line()
        case "tab": flow.text(" ")
        case "tbl": flow.beginTable()
        case "tc": flow.beginCell()
        default: break
        }
        try reading.check(textBytes: flow.bytes)
    }

    func end(_ name: String) {
        if skip.ends(name) { return }
        switch name {
        case "sp":
            role = nil
            flow.paragraph()
        case "p": flow.paragraph()
        case "txBody": if isTitle { flow.endHeading() }
        case "t": isInText = false
        case "tbl": flow.endTable()
        case "tr": flow.endRow()
        case "tc": flow.endCell()
        default: break
        }
    }

    func text(_ text: String) throws {
        guard isInText, !skip.isInside else { return }
        flow.text(text)
        try reading.check(textBytes: flow.bytes)
    }

    private var isShown: Bool {
        if isNotes { return role == "body" }
        return !["sldNum", "dt", "ftr", "hdr"].contains(role)
    }
}
