import GRDB

/// A search from the latest task to the oldest, in stretches, so that it can end when its time is over: a text may be
/// anywhere in the file.
struct HistorySearch: Sendable {
    /// Tasks of a stretch, as far as numbers tell.
    private static let stretch: Int64 = 20_000
    private static let longestText = 1000

    private let query: HistoryQuery
    private let time: Duration

    init(_ query: HistoryQuery, time: Duration) {
        self.query = query
        self.time = time
    }

    func run(_ database: Database) throws -> HistoryPage {
        var page = HistoryPage()
        guard let bounds = try bounds(database) else { return page }
        let end = ContinuousClock.now + time
        let (condition, values) = condition
        let sql = """
            SELECT \(HistorySchema.allColumns) FROM task WHERE number >= ? AND number < ?\(condition)
            ORDER BY number DESC LIMIT ?
            """
        var high = bounds.upperBound
        while high > bounds.lowerBound {
            let low = max(bounds.lowerBound, high - Self.stretch)
            // One more than is wanted tells whether there is a next page.
            let room = query.limit + 1 - page.tasks.count
            let arguments = StatementArguments([low, high]) + values + StatementArguments([room])
            let rows = try Row.fetchAll(try database.cachedStatement(sql: sql), arguments: arguments)
            page.tasks += rows.compactMap { HistoryTask($0) }
            if page.tasks.count > query.limit {
                page.tasks.removeLast(page.tasks.count - query.limit)
                page.next = page.tasks.last?.number ?? query.before ?? UInt64(clamping: bounds.upperBound)
                return page
            }
            high = low
            if ContinuousClock.now >= end, high > bounds.lowerBound {
                page.next = UInt64(clamping: high)
                return page
            }
        }
        return page
    }

    /// The numbers among which they are; nil: there are none.
    private func bounds(_ database: Database) throws -> Range<Int64>? {
        var sql = "SELECT min(number), max(number) FROM task"
        var arguments = StatementArguments()
        if query.from != nil || query.until != nil {
            sql += " WHERE since >= ? AND since < ?"
            arguments = [query.from ?? -Double.infinity, query.until ?? Double.infinity]
        }
        guard let row = try Row.fetchOne(database, sql: sql, arguments: arguments),
            let low = Int64.fromDatabaseValue(row[0]), let high = Int64.fromDatabaseValue(row[1])
        else { return nil }
        let before = query.before.map { Int64(clamping: $0) } ?? .max
        let end = min(before, high == .max ? high : high + 1)
        return low < end ? low..<end : nil
    }

    private var condition: (sql: String, values: StatementArguments) {
        var sql = ""
        var values: [any DatabaseValueConvertible] = []
        func add(_ condition: String, _ given: (any DatabaseValueConvertible)?) {
            guard let given else { return }
            sql += " AND " + condition
            values.append(given)
        }
        add("state = ?", query.state)
        add("queue = ?", query.queue)
        add("worker = ?", query.worker)
        add("instr(name, ?) > 0", query.name)
        add("since >= ?", query.from)
        add("since < ?", query.until)
        if let text = query.text.map({ Self.pattern($0) }) {
            sql += #" AND (id LIKE ? ESCAPE '\'"#
            values.append(text + "%")
            for column in ["name", "args", "kwargs", "result", "exception"] {
                sql += #" OR \#(column) LIKE ? ESCAPE '\'"#
                values.append("%" + text + "%")
            }
            sql += ")"
        }
        return (sql, StatementArguments(values))
    }

    /// A text of which each letter means itself.
    private static func pattern(_ text: String) -> String {
        text.prefix(longestText).reduce(into: "") { pattern, letter in
            if #"\%_"#.contains(letter) { pattern.append("\\") }
            pattern.append(letter)
        }
    }
}
