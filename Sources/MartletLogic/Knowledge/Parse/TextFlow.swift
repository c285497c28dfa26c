/// Writes running text as people read it: paragraphs, headings, lists and tables of whatever format, with blanks
/// squeezed and the places of headings and pages noted.
///
/// Paragraphs stand apart by an empty line, a table's rows are Markdown's (`| a | b |`). Nothing is written for what
/// is empty, and the text neither begins nor ends with a blank.
public struct TextFlow: Sendable {
    private enum Gap: Int, Comparable {
        case none, space, line, paragraph

        static func < (left: Gap, right: Gap) -> Bool { left.rawValue < right.rawValue }

        var text: String {
            switch self {
            case .none: ""
            case .space: " "
            case .line: "\n"
            case .paragraph: "\n\n"
            }
        }
    }

    private struct Table {
        /// One that only puts things side by side: what it holds is running text.
        var isLayout = false
        var hasRows = false
        var cells: [String] = []
        var isInCell = false
    }

    private var builder = TextBuilder()
    /// What stands between the last word and the next one.
    private var gap = Gap.none
    /// `- `, to be written before the next word.
    private var mark = ""
    /// The last words are an item's.
    private var isInList = false
    private var place: DocumentPlace?
    private var heading: HeadingMark?
    private var tables: [Table] = []
    private var places: [PlaceMark] = []
    private var headings: [HeadingMark] = []
    /// Of the cells whose rows are not written yet.
    private var cellBytes = 0
    /// About what a cell or a heading takes beside its words.
    private static let markBytes = 64

    public init() {}

    /// What is held so far: the text in UTF-8, the cells that are read, and what marks take.
    public var bytes: Int { builder.bytes + cellBytes + headings.count * Self.markBytes }
    /// How many headings there are: a mark for ``heading(after:)``.
    public var headingCount: Int { headings.count }

    /// The first heading after so many.
    public func heading(after count: Int) -> String? {
        headings.count > count ? headings[count].title : nil
    }

    // MARK: Words

    /// Words, with single blanks for all white space between them.
    public mutating func text(_ text: some StringProtocol) {
        var rest = text.utf8[...]
        while let first = rest.first {
            if Self.isBlank(first) {
                gap = max(gap, .space)
                rest = rest.drop(while: Self.isBlank)
            } else {
                let end = rest.firstIndex(where: Self.isBlank) ?? rest.endIndex
                put(String(decoding: rest[..<end], as: UTF8.self))
                rest = rest[end...]
            }
        }
    }

    /// Text whose lines and blanks mean something.
    public mutating func verbatim(_ text: some StringProtocol) {
        guard !isOneLine else { return self.text(text) }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if index > 0 { gap = gap >= .line ? .paragraph : .line }
            if !line.allSatisfy(\.isWhitespace) {
                put(String(line))
            } else if !line.isEmpty {
                gap = max(gap, .space)
            }
        }
    }

    // MARK: Between words

    public mutating func line() { gap = max(gap, .line) }

    public mutating func paragraph() {
        // The mark of a list stands on the line of its first word.
        gap = max(gap, mark.isEmpty ? .paragraph : .line)
    }

    /// Begins an item of a list.
    ///
    /// - Parameters:
    ///   - depth: from 0.
    ///   - mark: such as `-` or `2.`.
    public mutating func item(depth: Int, mark: String) {
        gap = isInList ? .line : .paragraph
        self.mark = String(repeating: "  ", count: min(depth, 16)) + mark + " "
    }

    /// What follows belongs to another page, slide or chapter.
    public mutating func begin(_ place: DocumentPlace) {
        paragraph()
        self.place = place
    }

    /// The place that began last, if it has words, is called so.
    public mutating func rename(_ old: DocumentPlace, to new: DocumentPlace) {
        guard let last = places.indices.last, places[last].place == old else { return }
        places[last] = PlaceMark(offset: places[last].offset, place: new)
    }

    // MARK: Headings

    /// - Parameter level: from 1.
    public mutating func beginHeading(_ level: Int) {
        endHeading()
        leaveCell()
        gap = max(gap, .paragraph)
        heading = HeadingMark(offset: -1, level: level, title: "")
    }

    public mutating func endHeading() {
        guard let done = heading else { return }
        if done.offset >= 0 {
            headings.append(HeadingMark(offset: done.offset, level: done.level, title: done.title))
        }
        heading = nil
        gap = max(gap, .paragraph)
    }

    /// A block begins: a heading that has words ends here, whether or not it says so.
    public mutating func block() {
        if let heading, heading.offset >= 0 { endHeading() }
        paragraph()
    }

    // MARK: Tables

    public mutating func beginTable() {
        leaveCell()
        paragraph()
        tables.append(Table())
    }

    public mutating func endTable() {
        endRow()
        tables.removeLast(tables.isEmpty ? 0 : 1)
        paragraph()
    }

    public mutating func beginCell() {
        endCell()
        guard let last = tables.indices.last else { return }
        guard !tables[last].isLayout else { return paragraph() }
        tables[last].cells.append("")
        tables[last].isInCell = true
        cellBytes += Self.markBytes
        gap = .none
    }

    public mutating func endCell() {
        guard let last = tables.indices.last else { return }
        tables[last].isInCell = false
        mark = ""
    }

    public mutating func endRow() {
        endCell()
        guard let last = tables.indices.last, !tables[last].cells.isEmpty else { return }
        let cells = takeCells(last)
        guard cells.contains(where: { !$0.isEmpty }) else { return }
        gap = tables[last].hasRows ? .line : .paragraph
        tables[last].hasRows = true
        put("| " + cells.joined(separator: " | ") + " |")
        gap = .line
    }

    /// A heading or a table within a cell: the table is there for the looks.
    private mutating func leaveCell() {
        guard let last = tables.indices.last, tables[last].isInCell else { return }
        let cells = takeCells(last)
        tables[last] = Table(isLayout: true)
        for cell in cells where !cell.isEmpty {
            gap = .paragraph
            put(cell)
        }
        gap = .paragraph
    }

    /// The cells of a table that were read, which are there no more.
    private mutating func takeCells(_ table: Int) -> [String] {
        let cells = tables[table].cells
        tables[table].cells = []
        cellBytes -= cells.reduce(0) { $0 + $1.utf8.count + Self.markBytes }
        return cells
    }

    // MARK: The end

    public mutating func finish(title: String? = nil) -> DocumentText {
        while !tables.isEmpty { endTable() }
        endHeading()
        let shown = title?.split(whereSeparator: \.isWhitespace).joined(separator: " ") ?? ""
        return DocumentText(
            text: builder.finish(), title: shown.isEmpty ? nil : shown, places: places, headings: headings)
    }

    private var isOneLine: Bool { heading != nil || tables.last?.isInCell == true }

    private mutating func put(_ word: String) {
        defer {
            gap = .none
            mark = ""
        }
        if let last = tables.indices.last, tables[last].isInCell {
            let cell = tables[last].cells.count - 1
            let before = tables[last].cells[cell].utf8.count
            tables[last].cells[cell] += (before > 0 && gap > .none ? " " : "") + mark + word
            cellBytes += tables[last].cells[cell].utf8.count - before
            return
        }
        let isInside = heading.map { $0.offset >= 0 } == true
        if builder.offset > 0 { builder.append((isInside ? min(gap, .space) : gap).text) }
        isInList = !mark.isEmpty || isInList && gap < .paragraph
        if let place { places.append(PlaceMark(offset: builder.offset, place: place)) }
        place = nil
        if heading != nil {
            if !isInside { heading?.offset = builder.offset }
            if let title = heading?.title.utf8, title.count <= 4 * DocumentText.longestName {
                heading?.title += (isInside && gap > .none ? " " : "") + word
            }
        }
        builder.append(mark)
        builder.append(word)
    }

    /// ASCII's white space; a no-break or full-width blank is part of its word.
    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || 0x09...0x0d ~= byte
    }
}
