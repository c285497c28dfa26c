/// What a file is, by its content; its name decides only among texts that look alike.
public enum ContentType: String, Sendable, CaseIterable {
    case pdf = "application/pdf"
    case word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    case sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    case slides = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    case openDocument = "application/vnd.oasis.opendocument.text"
    case book = "application/epub+zip"
    case html = "text/html"
    case markdown = "text/markdown"
    case csv = "text/csv"
    case tsv = "text/tab-separated-values"
    case json = "application/json"
    case text = "text/plain"
    case png = "image/png"
    case jpeg = "image/jpeg"
    case gif = "image/gif"
    case webp = "image/webp"
    case tiff = "image/tiff"

    /// As people call it.
    public var title: String {
        switch self {
        case .pdf: "PDF"
        case .word: "Word (DOCX)"
        case .sheet: "Excel (XLSX)"
        case .slides: "PowerPoint (PPTX)"
        case .openDocument: "OpenDocument (ODT)"
        case .book: "EPUB"
        case .html: "HTML"
        case .markdown: "Markdown"
        case .csv: "CSV"
        case .tsv: "TSV"
        case .json: "JSON"
        case .text: "text"
        case .png, .jpeg, .gif, .webp, .tiff: "an image"
        }
    }

    public var isImage: Bool { rawValue.hasPrefix("image/") }

    /// What the first bytes of a file say.
    public enum Head: Sendable, Equatable {
        case type(ContentType)
        /// An archive; its entries say what it is.
        case archive
        /// Something known that no text is read from, and what to do about it.
        case foreign(String)
        /// Text, as far as these bytes say.
        case text
    }

    /// - Parameter head: the first kilobyte; fewer only of a smaller file.
    public static func head(_ head: ArraySlice<UInt8>) -> Head {
        // Some programs write blanks or a mark of UTF-8 before it.
        if head.drop(while: { [0xef, 0xbb, 0xbf, 0x20, 0x0d, 0x0a].contains($0) }).starts(with: "%PDF-".utf8) {
            return .type(.pdf)
        }
        if [[0x50, 0x4b, 0x03, 0x04], [0x50, 0x4b, 0x05, 0x06]].contains(where: { head.starts(with: $0) }) {
            return .archive
        }
        for (mark, type) in imageMarks where head.starts(with: mark) { return .type(type) }
        if head.starts(with: "RIFF".utf8), head.dropFirst(8).starts(with: "WEBP".utf8) { return .type(.webp) }
        for (mark, advice) in foreignMarks where head.starts(with: mark) { return .foreign(advice) }
        return .text
    }

    /// What an archive is.
    ///
    /// - Parameters:
    ///   - names: of its entries.
    ///   - mimetype: the content of its entry of that name, if it has one.
    /// - Returns: nil: no document that text is read from.
    public static func ofArchive(names: Set<String>, mimetype: String?) -> ContentType? {
        switch mimetype?.trimmingBlanks {
        case book.rawValue: return .book
        case openDocument.rawValue: return .openDocument
        default: break
        }
        if names.contains("[Content_Types].xml") {
            if names.contains("word/document.xml") { return .word }
            if names.contains("xl/workbook.xml") { return .sheet }
            if names.contains("ppt/presentation.xml") { return .slides }
        }
        return names.contains("META-INF/container.xml") ? .book : nil
    }

    /// What a text is.
    ///
    /// - Parameters:
    ///   - head: its beginning in UTF-8: some whole lines, or all of it.
    ///   - name: the file's.
    public static func ofText(head: ArraySlice<UInt8>, name: String) -> ContentType {
        let start = head.drop { $0 == 0x20 || 0x09...0x0d ~= $0 }
        if isHTML(start) { return .html }
        switch suffix(name) {
        case "md", "markdown", "mdown", "mkd": return .markdown
        case "csv": return .csv
        case "tsv", "tab": return .tsv
        case "json", "jsonl", "ndjson": return .json
        case "html", "htm", "xhtml": if start.first == 0x3c { return .html }
        case "txt", "text", "log": return .text
        default: break
        }
        if start.first == 0x7b || start.starts(with: "[{".utf8) { return .json }
        switch CSVParser.delimiter(of: head) {
        case 0x09: return .tsv
        case 0x2c, 0x3b: return .csv
        default: return .text
        }
    }

    private static func isHTML(_ start: ArraySlice<UInt8>) -> Bool {
        var start = String(decoding: start.prefix(512), as: UTF8.self).lowercased()[...]
        // What may stand before the first element of XHTML.
        if start.hasPrefix("<?xml"), let end = start.firstRange(of: "?>") {
            start = start[end.upperBound...].drop(while: \.isWhitespace)
        }
        if start.hasPrefix("<!--"), let end = start.firstRange(of: "-->") {
            start = start[end.upperBound...].drop(while: \.isWhitespace)
        }
        return ["<!doctype html", "<html", "<head", "<body", "<meta", "<title"].contains { start.hasPrefix($0) }
    }

    private static func suffix(_ name: String) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }

    private static let imageMarks: [([UInt8], ContentType)] = [
        ([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], .png), ([0xff, 0xd8, 0xff], .jpeg),
        (Array("GIF87a".utf8), .gif), (Array("GIF89a".utf8), .gif), ([0x49, 0x49, 0x2a, 0x00], .tiff),
        ([0x4d, 0x4d, 0x00, 0x2a], .tiff),
    ]

    private static let foreignMarks: [([UInt8], String)] = [
        (
            [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
            "it is a file of Office before 2007, or one with a password: save it as DOCX, XLSX, PPTX or PDF without one"
        ),
        (Array(#"{\rtf"#.utf8), "it is RTF: save it as DOCX or PDF"),
        ([0x1f, 0x8b], "it is compressed (gzip): unpack it first"),
        ([0x37, 0x7a, 0xbc, 0xaf], "it is a 7z archive: unpack it first"),
        (Array("Rar!".utf8), "it is a RAR archive: unpack it first"),
        ([0x7f, 0x45, 0x4c, 0x46], "it is a program"),
        (Array("SQLite format 3\0".utf8), "it is a database of SQLite"),
    ]
}

extension String {
    var trimmingBlanks: String {
        var rest = self[...].drop(while: \.isWhitespace)
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
