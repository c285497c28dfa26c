/// Writes a table's rows as lines `header: value`, as Langchain-Chatchat's loader of CSV files does, an empty line
/// between two rows: each row says by itself what it is about.
public struct TableText: Sendable {
    private var builder: TextBuilder
    private var headers: [[UInt8]] = []
    private var rows: [Int] = []
    private var places: [PlaceMark] = []
    /// One that has no row yet.
    private var place: DocumentPlace?

    public init(capacity: Int = 0) {
        builder = TextBuilder(capacity: capacity)
    }

    /// In UTF-8, so far.
    public var bytes: Int { builder.bytes }

    /// A sheet begins. What follows has no headers until they are set.
    public mutating func begin(_ place: DocumentPlace) {
        headers = []
        self.place = place
    }

    public mutating func setHeaders(_ headers: [[UInt8]]) {
        self.headers = headers
    }

    /// - Parameter fields: by their columns, from 0, ascending. A field beyond the headers stands alone on its line.
    public mutating func append(_ fields: some Sequence<(column: Int, value: ArraySlice<UInt8>)>) {
        if builder.offset > 0 { builder.append("\n") }
        beginRow()
        for (column, value) in fields {
            if column < headers.count, !headers[column].isEmpty {
                builder.append(utf8: headers[column])
                builder.append(": ")
            }
            builder.append(utf8: value)
            builder.append("\n")
        }
    }

    /// A row of a table without headers, as Markdown writes it.
    public mutating func append(cells: [String]) {
        beginRow()
        builder.append("| " + cells.joined(separator: " | ") + " |\n")
    }

    public mutating func finish(title: String? = nil) -> DocumentText {
        return DocumentText(text: builder.finish(), title: title, places: places, rows: rows)
    }

    private mutating func beginRow() {
        if let place { places.append(PlaceMark(offset: builder.offset, place: place)) }
        place = nil
        rows.append(builder.offset)
    }
}
