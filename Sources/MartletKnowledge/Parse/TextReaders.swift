import MartletLogic
import MartletWire

/// TXT and Markdown: the text as it is written.
enum PlainTextReader {
    static func read(_ source: TextSource, as type: ContentType, _ reading: Reading) throws -> ReadDocument {
        var builder = TextBuilder()
        try source.each { piece in
            builder.append(utf8: piece)
            guard !piece.contains(0) else { throw reading.unreadable("it is no text, nor any other document we know") }
            try reading.check(textBytes: builder.bytes)
        }
        let text = builder.finish()
        guard type == .markdown else { return ReadDocument(type: type, text: DocumentText(text: text)) }
        let outline = MarkdownOutline(text)
        let title = outline.title ?? outline.headings.first { $0.level == 1 }?.title
        return ReadDocument(type: type, text: DocumentText(text: text, title: title, headings: outline.headings))
    }
}

/// CSV and TSV: a row is lines `header: value`, by the first row.
enum CSVReader {
    static func read(
        _ source: TextSource, as type: ContentType, head: ArraySlice<UInt8>, bytes: Int, _ reading: Reading
    ) throws -> ReadDocument {
        let delimiter = type == .tsv ? 0x09 : CSVParser.likelyDelimiter(of: head)
        var parser = CSVParser(delimiter: delimiter)
        // Each value comes with its header; no file of many rows has headers of several times its values.
        var table = TableText(capacity: min(reading.limits.textBytes, bytes * 4))
        var hasHeaders = false
        let take = { (row: CSVParser.Row) in
            guard !row.isBlank else { return }
            if hasHeaders {
                table.append((0..<row.count).lazy.map { (column: $0, value: row[$0]) })
                // Each row repeats the headers, and many come with one piece of the file.
                try reading.check(textBytes: table.bytes)
            } else {
                table.setHeaders((0..<row.count).map { Array(row[$0]) })
                hasHeaders = true
            }
        }
        do {
            try source.each { try parser.take($0, take) }
            try parser.finish(take)
        } catch is CSVParser.TooLong {
            throw reading.unreadable(as: type, "one of its rows is longer than 16 MiB, or has too many fields")
        }
        return ReadDocument(type: type, text: table.finish())
    }
}

/// JSON, and JSON lines: a line for each value, after the way to it: `staff[0].name: 李雷`.
enum JSONReader {
    /// nil: it is no JSON.
    static func read(_ source: TextSource, _ reading: Reading) throws -> ReadDocument? {
        let bytes = try source.whole()
        var builder = TextBuilder()
        do {
            try JSONLeaves.read(bytes, onContainer: { try reading.check() }) { path, value in
                if !path.isEmpty { builder.append(path + ": ") }
                builder.append(value)
                builder.append("\n")
                try reading.check(textBytes: builder.bytes)
            }
        } catch is WireError {
            return nil
        }
        return ReadDocument(type: .json, text: DocumentText(text: builder.finish()))
    }
}
