import MartletLogic

/// What `pdftotext -htmlmeta` writes: a head with the title, then the pages, each ended by a form feed.
struct PDFPages {
    private static let begin = Array("<pre>\n".utf8)
    private static let end = Array("</pre>\n</body>\n</html>\n".utf8)

    /// About what a page takes beside its words.
    private static let pageBytes = 32

    private var builder: TextBuilder
    private var places: [PlaceMark] = []
    private var page: [UInt8] = []
    private var hasWords = false

    static func read(_ output: String, _ reading: Reading) throws -> ReadDocument {
        let file: DocumentFile
        do {
            file = try DocumentFile(output, reading)
        } catch let error as KnowledgeError where error.code != .tooLarge {
            throw reading.unreadable(as: .pdf, "the program that reads it wrote nothing")
        }
        let head = try file.read(at: 0, count: 256 << 10)
        guard let start = head.firstRange(of: begin)?.upperBound else {
            throw reading.unreadable(as: .pdf, "the program that reads it wrote something else")
        }
        let tail = try file.read(at: max(start, file.size - end.count), count: end.count)
        var rest = (tail == end ? file.size - end.count : file.size) - start
        var pages = PDFPages(builder: TextBuilder(capacity: rest))
        try file.eachChunk(from: start) { chunk in
            pages.take(chunk.prefix(rest))
            rest -= min(rest, chunk.count)
            try reading.check(textBytes: pages.builder.bytes + pages.page.count + pages.places.count * pageBytes)
        }
        if !pages.page.isEmpty { pages.endPage() }
        guard pages.hasWords else {
            throw reading.unreadable(as: .pdf, "it has no text: its pages are pictures, as of a scanner")
        }
        let properties = try self.properties(head[..<start], reading)
        var metadata: [String: MetadataValue] = ["pages": .number(Double(pages.places.count))]
        if let author = properties.author, !author.isEmpty { metadata["author"] = .text(author) }
        return ReadDocument(
            type: .pdf,
            text: DocumentText(
                text: pages.builder.finish(), title: properties.flow.finish(title: properties.title).title,
                places: pages.places),
            metadata: metadata)
    }

    private mutating func take(_ chunk: ArraySlice<UInt8>) {
        for (index, part) in chunk.split(separator: 0x0c, omittingEmptySubsequences: false).enumerated() {
            if index > 0 { endPage() }
            page += part
        }
    }

    private mutating func endPage() {
        // Fonts may stand for what is no character: that is mended before it counts.
        let text = String(decoding: page, as: UTF8.self)
        places.append(PlaceMark(offset: builder.offset, place: .page(places.count + 1)))
        builder.append(text)
        if page.last != 0x0a { builder.append("\n") }
        hasWords = hasWords || page.contains { $0 > 0x20 }
        page.removeAll(keepingCapacity: true)
    }

    private static func properties(_ head: ArraySlice<UInt8>, _ reading: Reading) throws -> HTMLHandler {
        let handler = HTMLHandler(TextFlow(), reading)
        let parser = try MarkupParser(.html, handler, reading)
        try parser.take(head)
        try parser.finish()
        return handler
    }
}
