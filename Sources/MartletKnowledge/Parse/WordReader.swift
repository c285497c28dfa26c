import MartletLogic

/// DOCX: paragraphs, headings by their styles, lists, tables, notes at the end.
struct WordReader {
    private static let main = "word/document.xml"

    static func read(_ parts: ArchiveReading) throws -> ReadDocument {
        let styles = WordStyles()
        let targets = try parts.relations(of: main)
        func part(_ type: String) -> String? {
            targets.values.first { $0.type == type && parts.archive.contains($0.target) }?.target
        }
        if let name = part("styles") { try parts.list(name, styles) }
        let handler = WordHandler(styles, parts.reading)
        try parts.xml(main, handler)
        for type in ["footnotes", "endnotes"] {
            if let name = part(type) { try parts.xml(name, handler) }
        }
        let properties = try parts.properties()
        let text = handler.flow.finish(title: properties.title ?? handler.title)
        return ReadDocument(type: .word, text: text, metadata: properties.metadata)
    }
}

/// What the styles of a document say of its paragraphs.
final class WordStyles: MarkupHandler {
    enum Kind: Equatable {
        case body
        /// From 1.
        case heading(Int)
        case title
        /// A line of the table of contents, which is what the headings say.
        case contents
    }

    private struct Style {
        var name = ""
        var base: String?
        var level: Int?
    }

    private var styles: [String: Style] = [:]
    private var current = ""

    func kind(of id: String?) -> Kind {
        var next = id
        // A style may build on another, and files may have them build on each other.
        for _ in 0..<16 {
            guard let id = next, let style = styles[id] else { return .body }
            if style.name.hasPrefix("toc ") { return .contents }
            if style.name == "title" { return .title }
            if let level = style.level { return level <= 9 ? .heading(level) : .body }
            if style.name.hasPrefix("heading "), let level = Int(style.name.dropFirst(8)) { return .heading(level) }
            next = style.base
        }
        return .body
    }

    func begin(_ name: String, _ attributes: MarkupAttributes) {
        switch name {
        case "style":
            current = attributes["styleId"] ?? ""
            styles[current] = Style()
        case "name": styles[current]?.name = attributes["val"]?.lowercased() ?? ""
        case "basedOn": styles[current]?.base = attributes["val"]
        case "outlineLvl":
            let level = attributes["val"].flatMap { Int($0) }
            styles[current]?.level = level.flatMap { 0..<10 ~= $0 ? $0 + 1 : nil }
        default: break
        }
    }

    func end(_ name: String) {
        // What stands between styles belongs to none.
        if name == "style" { current = "" }
    }

    func text(_ text: String) {}
}

/// The text of a document's main part, then of its notes.
final class WordHandler: MarkupHandler {
    /// What is not shown: deleted text, and what older programs are to show in place of something.
    private static let hidden: Set = ["del", "moveFrom", "Fallback"]

    private struct Paragraph {
        var kind = WordStyles.Kind.body
        /// Of a list, from 0.
        var depth: Int?
    }

    var flow = TextFlow()
    /// The paragraph that is styled as one.
    private(set) var title: String?
    private let styles: WordStyles
    private let reading: Reading
    private var skip = SkippedElement()
    /// One within the other, as text boxes are.
    private var paragraphs: [Paragraph] = []
    private var isInProperties = false
    private var isInText = false

    init(_ styles: WordStyles, _ reading: Reading) {
        self.styles = styles
        self.reading = reading
    }

    func begin(_ name: String, _ attributes: MarkupAttributes) throws {
        if skip.begins(name, if: Self.hidden.contains(name)) { return }
        if isInProperties { return property(name, attributes["val"]) }
        switch name {
        case "p":
            flow.paragraph()
            paragraphs.append(Paragraph())
        case "pPr": isInProperties = true
        case "t": isInText = true
        case "tab": flow.text(" ")
        case "noBreakHyphen": flow.text("-")
        case "br", "cr": flow.line()
        case "tbl": flow.beginTable()
        case "tc": flow.beginCell()
        case "footnoteReference": flow.text("[^\(attributes["id"] ?? "")]")
        case "endnoteReference": flow.text("[^e\(attributes["id"] ?? "")]")
        case "footnote": beginNote(attributes, "")
        case "endnote": beginNote(attributes, "e")
        default: break
        }
        try reading.check(textBytes: flow.bytes)
    }

    func end(_ name: String) {
        if skip.ends(name) { return }
        switch name {
        case "pPr":
            isInProperties = false
            beginWords()
        case "p":
            if let paragraph = paragraphs.popLast(), paragraph.kind != .body { endHeading(paragraph.kind) }
            flow.paragraph()
        case "t": isInText = false
        case "tbl": flow.endTable()
        case "tr": flow.endRow()
        case "tc": flow.endCell()
        default: break
        }
    }

    func text(_ text: String) throws {
        guard isInText, !skip.isInside, paragraphs.last?.kind != .contents else { return }
        flow.text(text)
        try reading.check(textBytes: flow.bytes)
    }

    private func property(_ name: String, _ value: String?) {
        guard let last = paragraphs.indices.last else { return }
        switch name {
        case "pStyle": paragraphs[last].kind = styles.kind(of: value)
        case "outlineLvl":
            if let level = value.flatMap({ Int($0) }), level < 9 { paragraphs[last].kind = .heading(level + 1) }
        case "ilvl": paragraphs[last].depth = value.flatMap { Int($0) }
        // A list's number 0 takes a paragraph out of the list of its style.
        case "numId": paragraphs[last].depth = value == "0" ? nil : paragraphs[last].depth ?? 0
        default: break
        }
    }

    private func beginWords() {
        guard let paragraph = paragraphs.last else { return }
        switch paragraph.kind {
        case .heading(let level): flow.beginHeading(level)
        case .title: flow.beginHeading(1)
        case .body: if let depth = paragraph.depth { flow.item(depth: max(0, depth), mark: "-") }
        case .contents: break
        }
    }

    private func endHeading(_ kind: WordStyles.Kind) {
        let before = flow.headingCount
        flow.endHeading()
        if kind == .title { title = title ?? flow.heading(after: before) }
    }

    private func beginNote(_ attributes: MarkupAttributes, _ kind: String) {
        flow.paragraph()
        // The line above the notes is one of them.
        guard attributes["type"] == nil || attributes["type"] == "normal" else { return }
        flow.item(depth: 0, mark: "[^\(kind)\(attributes["id"] ?? "")]:")
    }
}

/// An element that is left out with all that is in it.
struct SkippedElement {
    private var name = ""
    private var depth = 0

    var isInside: Bool { depth > 0 }

    /// Whether the element that begins is left out.
    mutating func begins(_ name: String, if isHidden: Bool) -> Bool {
        if depth > 0 {
            if name == self.name { depth += 1 }
            return true
        }
        guard isHidden else { return false }
        (self.name, depth) = (name, 1)
        return true
    }

    /// Whether the element that ends was left out.
    mutating func ends(_ name: String) -> Bool {
        guard depth > 0 else { return false }
        if name == self.name { depth -= 1 }
        return true
    }
}
