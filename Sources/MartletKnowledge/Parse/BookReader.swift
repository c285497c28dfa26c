import MartletLogic

/// EPUB: its chapters in the order of the spine.
enum BookReader {
    static func read(_ parts: ArchiveReading) throws -> ReadDocument {
        let container = BookContainer()
        try parts.list("META-INF/container.xml", container)
        guard let root = container.root.map({ ArchivePath.join("", $0) }) else {
            throw parts.reading.unreadable(as: parts.type, "it does not say where its contents are listed")
        }
        let package = BookPackage()
        try parts.list(root, package)
        let folder = ArchivePath.split(root).folder
        let handler = HTMLHandler(TextFlow(), parts.reading)
        for (index, chapter) in package.chapters.enumerated() {
            let name = ArchivePath.join(folder, chapter)
            // Its words for itself are known when it is read.
            guard parts.archive.contains(name) else { continue }
            try read(name, number: index + 1, parts, handler)
        }
        let properties = package.properties
        return ReadDocument(
            type: .book, text: handler.flow.finish(title: properties.title), metadata: properties.metadata)
    }

    private static func read(_ name: String, number: Int, _ parts: ArchiveReading, _ handler: HTMLHandler) throws {
        handler.beginPage()
        handler.flow.begin(.chapter(""))
        let headings = handler.flow.headingCount
        let parser = try MarkupParser(.html, handler, parts.reading)
        try parts.archive.unpack(name) { try parser.take($0) }
        try parser.finish()
        let words = handler.title?.split(whereSeparator: \.isWhitespace).joined(separator: " ") ?? ""
        handler.flow.endHeading()
        let title = handler.flow.heading(after: headings) ?? (words.isEmpty ? "\(number)" : words)
        handler.flow.rename(.chapter(""), to: .chapter(title))
    }
}

private final class BookContainer: MarkupHandler {
    private(set) var root: String?

    func begin(_ name: String, _ attributes: MarkupAttributes) {
        if name == "rootfile", root == nil { root = attributes["full-path"] }
    }

    func end(_ name: String) {}
    func text(_ text: String) {}
}

/// The OPF part: what there is, and in which order it is read.
private final class BookPackage: MarkupHandler {
    let properties = DocumentProperties()
    private var files: [String: String] = [:]
    private var spine: [String] = []

    /// References of the chapters.
    var chapters: [String] { spine.compactMap { files[$0] } }

    func begin(_ name: String, _ attributes: MarkupAttributes) {
        switch name {
        case "item":
            // The table of contents says what the headings say.
            let isContents = attributes["properties"]?.split(separator: " ").contains("nav") == true
            let isText = attributes["media-type"].map { $0.contains("html") } ?? true
            if let id = attributes["id"], let file = attributes["href"], isText, !isContents { files[id] = file }
        case "itemref": if let id = attributes["idref"] { spine.append(id) }
        default: properties.begin(name, attributes)
        }
    }

    func end(_ name: String) { properties.end(name) }
    func text(_ text: String) { properties.text(text) }
}
