import MartletLogic

/// XLSX: the rows of each sheet. Where a sheet's first row names its columns, each row says `name: value`, as CSV does.
enum SheetReader {
    private static let main = "xl/workbook.xml"

    static func read(_ parts: ArchiveReading) throws -> ReadDocument {
        let workbook = Workbook()
        try parts.list(main, workbook)
        let targets = try parts.relations(of: main)
        func part(_ type: String) -> String? {
            targets.values.first { $0.type == type && parts.archive.contains($0.target) }?.target
        }
        let strings = SharedStrings(parts.reading)
        if let name = part("sharedStrings") { try parts.xml(name, strings) }
        let styles = SheetStyles()
        if let name = part("styles") { try parts.list(name, styles) }
        let properties = try parts.properties()
        var table = TableText()
        for sheet in workbook.sheets {
            guard let target = targets[sheet.relation], target.type == "worksheet",
                parts.archive.contains(target.target)
            else { continue }
            let rows = SheetRows(table, strings, styles, from1904: workbook.isFrom1904, parts.reading)
            rows.begin(sheet: sheet.name)
            // One owner at a time: two would have the text copied.
            table = TableText()
            try parts.xml(target.target, rows)
            table = rows.takeTable()
        }
        return ReadDocument(
            type: .sheet, text: table.finish(title: properties.title), metadata: properties.metadata)
    }
}

private final class Workbook: MarkupHandler {
    private(set) var sheets: [(name: String, relation: String)] = []
    private(set) var isFrom1904 = false

    func begin(_ name: String, _ attributes: MarkupAttributes) {
        switch name {
        case "workbookPr": isFrom1904 = ["1", "true"].contains(attributes["date1904"])
        case "sheet":
            guard let name = attributes["name"], let id = attributes[prefixed: "id"] else { return }
            sheets.append((name, id))
        default: break
        }
    }

    func end(_ name: String) {}
    func text(_ text: String) {}
}

/// Texts that cells refer to by number, as they are shown: a cell that refers to blanks costs nothing.
private final class SharedStrings: MarkupHandler {
    private(set) var all: [String] = []
    private let reading: Reading
    private var current = ""
    private var isInText = false
    private var bytes = 0
    /// How the text is spoken, which is no part of it.
    private var skip = SkippedElement()

    init(_ reading: Reading) { self.reading = reading }

    func begin(_ name: String, _ attributes: MarkupAttributes) {
        if skip.begins(name, if: name == "rPh") { return }
        if name == "si" { current = "" }
        isInText = name == "t"
    }

    func end(_ name: String) throws {
        if skip.ends(name) { return }
        isInText = false
        guard name == "si" else { return }
        all.append(SheetRows.squeezed(current))
        bytes += current.utf8.count + SheetRows.cellBytes
        try reading.check(textBytes: bytes)
    }

    func text(_ text: String) throws {
        guard isInText, !skip.isInside else { return }
        current += text
        try reading.check(textBytes: bytes + current.utf8.count)
    }
}

/// How the numbers of cells are shown, by the numbers of their styles.
private final class SheetStyles: MarkupHandler {
    private(set) var formats: [SheetFormat] = []
    private var codes: [Int: String] = [:]
    private var isInCells = false

    func begin(_ name: String, _ attributes: MarkupAttributes) {
        let id = attributes["numFmtId"].flatMap { Int($0) }
        switch name {
        case "numFmt": if let id { codes[id] = attributes["formatCode"] }
        case "cellXfs": isInCells = true
        case "xf": if isInCells { formats.append(SheetFormat(id: id ?? 0, code: codes[id ?? 0])) }
        default: break
        }
    }

    func end(_ name: String) {
        if name == "cellXfs" { isInCells = false }
    }

    func text(_ text: String) {}
}

/// The rows of one sheet.
private final class SheetRows: MarkupHandler {
    /// About what a cell or a text takes beside its words.
    static let cellBytes = 64
    /// A row that is longer names no columns: each row repeats them.
    private static let headerBytes = 1 << 20

    private struct Cell {
        var column: Int
        var value: String
        var isText: Bool
    }

    private var table: TableText
    private let strings: SharedStrings
    private let styles: SheetStyles
    private let isFrom1904: Bool
    private let reading: Reading
    private var row: [Cell] = []
    private var rowBytes = 0
    private var hasHeaders: Bool?
    /// The one row that could name the columns, until there is a second one.
    private var first: [Cell] = []
    // Of the cell that is read:
    private var column = 0
    private var type = ""
    private var style = 0
    private var value = ""
    private var isInValue = false
    private var skip = SkippedElement()

    init(
        _ table: TableText, _ strings: SharedStrings, _ styles: SheetStyles, from1904: Bool, _ reading: Reading
    ) {
        self.table = table
        self.strings = strings
        self.styles = styles
        isFrom1904 = from1904
        self.reading = reading
    }

    func begin(sheet: String) { table.begin(.sheet(sheet)) }

    /// The table with this sheet's rows, which is here no more.
    func takeTable() -> TableText {
        if hasHeaders == true, !first.isEmpty { table.append(cells: first.map(\.value)) }
        defer { table = TableText() }
        return table
    }

    func begin(_ name: String, _ attributes: MarkupAttributes) {
        if skip.begins(name, if: name == "rPh") { return }
        switch name {
        case "row":
            row = []
            rowBytes = 0
            column = -1
        case "c":
            column = attributes["r"].flatMap { SheetValue.column($0) } ?? column + 1
            type = attributes["t"] ?? "n"
            style = attributes["s"].flatMap { Int($0) } ?? 0
            value = ""
        case "v", "t": isInValue = true
        default: break
        }
    }

    func end(_ name: String) throws {
        if skip.ends(name) { return }
        switch name {
        case "v", "t": isInValue = false
        case "c":
            let (shown, isText) = (shownValue, ["s", "str", "inlineStr"].contains(type))
            guard !shown.isEmpty else { break }
            row.append(Cell(column: column, value: shown, isText: isText))
            rowBytes += shown.utf8.count + Self.cellBytes
            try reading.check(textBytes: table.bytes + rowBytes)
        case "row": try endRow()
        default: break
        }
    }

    func text(_ text: String) throws {
        guard isInValue, !skip.isInside else { return }
        value += text
        try reading.check(textBytes: table.bytes + rowBytes + value.utf8.count)
    }

    /// With single blanks for all white space.
    static func squeezed(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private var shownValue: String {
        switch type {
        case "s": return Int(value).flatMap { strings.all.indices.contains($0) ? strings.all[$0] : nil } ?? ""
        case "b": return value == "1" ? "TRUE" : "FALSE"
        case "n":
            guard let number = Double(value), number.isFinite else { return Self.squeezed(value) }
            let format = styles.formats.indices.contains(style) ? styles.formats[style] : .number
            return SheetValue.text(number, as: format, from1904: isFrom1904)
        default: return Self.squeezed(value)
        }
    }

    private func endRow() throws {
        guard !row.isEmpty else { return }
        try reading.check(textBytes: table.bytes)
        guard let hasHeaders else { return beginTable() }
        guard hasHeaders else { return table.append(cells: row.map(\.value)) }
        first = []
        table.append(row.lazy.map { (column: $0.column, value: ArraySlice($0.value.utf8)) })
    }

    /// The first row names the columns if it has several words, and each once.
    private func beginTable() {
        let names = row.map(\.value)
        hasHeaders =
            names.count > 1 && rowBytes <= Self.headerBytes && row.allSatisfy(\.isText)
            && Set(names).count == names.count
        guard hasHeaders == true else { return table.append(cells: names) }
        first = row
        var headers = [[UInt8]](repeating: [], count: (row.last?.column ?? 0) + 1)
        for cell in row where headers.indices.contains(cell.column) { headers[cell.column] = Array(cell.value.utf8) }
        table.setHeaders(headers)
    }
}
