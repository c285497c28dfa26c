import MartletBase
import MartletLogic

/// HTML: what people read of a page.
enum HTMLReader {
    static func read(_ source: TextSource, bytes: Int, _ reading: Reading) throws -> ReadDocument {
        guard bytes <= reading.limits.wholeBytes else {
            throw reading.tooLarge("it is larger than \(ByteCount.text(reading.limits.wholeBytes))")
        }
        let handler = HTMLHandler(TextFlow(), reading)
        let parser = try MarkupParser(.html, handler, reading)
        try source.each { try parser.take($0) }
        try parser.finish()
        let metadata = handler.author.map { ["author": MetadataValue.text($0)] } ?? [:]
        return ReadDocument(type: .html, text: handler.flow.finish(title: handler.title), metadata: metadata)
    }

    /// Of `<meta charset="gb2312">` and its older form.
    static func declaredEncoding(_ head: ArraySlice<UInt8>) -> String? {
        let start = String(decoding: head.prefix(4096), as: UTF8.self).lowercased()
        guard let mark = start.firstRange(of: "charset=") ?? start.firstRange(of: "encoding=") else { return nil }
        let rest = start[mark.upperBound...].drop { "\"' ".contains($0) }
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
        return name.isEmpty ? nil : String(name)
    }
}

/// Writes a page's text; several pages, one after the other, for EPUB.
final class HTMLHandler: MarkupHandler {
    private static let hidden: Set = [
        "script", "style", "nav", "template", "svg", "iframe", "object", "canvas", "noscript", "select", "button",
        "audio", "video",
    ]
    private static let blocks: Set = [
        "p", "div", "section", "article", "main", "header", "footer", "aside", "blockquote", "figure", "figcaption",
        "address", "dl", "form", "fieldset", "hr", "details", "summary", "body", "center", "caption",
    ]

    /// Of a title at least as many are gathered.
    private static let titleBytes = 4 << 10

    var flow: TextFlow
    /// Of the page.
    private(set) var title: String?
    private(set) var author: String?
    private let reading: Reading
    private var skip = SkippedElement()
    private var isInTitle = false
    private var preformatted = 0
    /// The lists that it stands in: the next number of each; nil: a list without numbers.
    private var lists: [Int?] = []

    init(_ flow: TextFlow, _ reading: Reading) {
        self.flow = flow
        self.reading = reading
    }

    /// The next page has its own title, and nothing open.
    func beginPage() {
        title = nil
        skip = SkippedElement()
        isInTitle = false
        preformatted = 0
        lists = []
    }

    func begin(_ name: String, _ attributes: MarkupAttributes) throws {
        if skip.begins(name, if: Self.hidden.contains(name)) { return }
        switch name {
        case "title": isInTitle = true
        case "meta":
            if attributes["name"]?.lowercased() == "author" { author = attributes["content"].map(DocumentText.name) }
        case "h1", "h2", "h3", "h4", "h5", "h6": flow.beginHeading(Int(name.dropFirst()) ?? 1)
        case "br": preformatted > 0 ? flow.verbatim("\n") : flow.line()
        case "pre", "textarea":
            flow.block()
            preformatted += 1
        case "ul", "menu", "ol":
            if lists.isEmpty { flow.block() }
            lists.append(name == "ol" ? attributes["start"].flatMap { Int($0) } ?? 1 : nil)
        case "li": beginItem()
        case "dt", "dd": flow.line()
        case "table": flow.beginTable()
        case "td", "th": flow.beginCell()
        case "tr": flow.endRow()
        default: if Self.blocks.contains(name) { flow.block() }
        }
        try reading.check(textBytes: flow.bytes)
    }

    func end(_ name: String) {
        if skip.ends(name) { return }
        switch name {
        case "title": isInTitle = false
        case "h1", "h2", "h3", "h4", "h5", "h6": flow.endHeading()
        case "pre", "textarea":
            preformatted = max(0, preformatted - 1)
            flow.paragraph()
        case "ul", "menu", "ol":
            _ = lists.popLast()
            if lists.isEmpty { flow.paragraph() }
        case "li", "dt", "dd": flow.line()
        case "table": flow.endTable()
        case "td", "th": flow.endCell()
        case "tr": flow.endRow()
        default: if Self.blocks.contains(name) { flow.paragraph() }
        }
    }

    func text(_ text: String) throws {
        guard !skip.isInside else { return }
        if isInTitle {
            // A page that does not end its title has no other words.
            if (title?.utf8.count ?? 0) < Self.titleBytes { title = (title ?? "") + text }
        } else if preformatted > 0 {
            flow.verbatim(text)
        } else {
            flow.text(text)
        }
        try reading.check(textBytes: flow.bytes)
    }

    private func beginItem() {
        guard let last = lists.indices.last, let number = lists[last] else {
            return flow.item(depth: max(0, lists.count - 1), mark: "-")
        }
        flow.item(depth: last, mark: "\(number).")
        lists[last] = number &+ 1
    }
}
