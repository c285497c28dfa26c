import GRDB

/// How tasks lie in the file.
enum HistorySchema {
    /// Grows with each change of what follows. A file of another version is begun anew: it is a history only.
    static let version = 1

    /// In the order of ``HistoryTask/values`` and of ``HistoryTask/init(_:)``. The longest text comes last, so that a
    /// search reads none of it.
    private static let columns = [
        "number", "id", "state", "since", "name", "queue", "worker", "args", "kwargs", "result", "exception", "eta",
        "expires", "retries", "parent", "root", "runtime", "timeline", "traceback",
    ]

    static let allColumns = columns.joined(separator: ", ")

    static let keep = """
        INSERT OR REPLACE INTO task (\(allColumns)) VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))
        """

    /// Makes the table where there is none.
    ///
    /// - Returns: false where what is there is something else.
    static func prepare(_ database: Database) throws -> Bool {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let isThere = try database.tableExists("task")
        if found == version { return isThere }
        guard found == 0, !isThere else { return false }
        try database.execute(
            sql: """
                CREATE TABLE task (
                    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, since REAL NOT NULL,
                    name TEXT, queue TEXT, worker TEXT, args TEXT, kwargs TEXT, result TEXT, exception TEXT, eta TEXT,
                    expires TEXT, retries INTEGER NOT NULL, parent TEXT, root TEXT, runtime REAL,
                    timeline TEXT NOT NULL, traceback TEXT
                );
                CREATE INDEX task_state ON task (state, number);
                CREATE INDEX task_since ON task (since, number);
                PRAGMA user_version = \(version);
                """)
        return true
    }
}

extension HistoryTask {
    /// Between the steps of a timeline, and between the parts of a step: nobody's state or name has them.
    private static let (stepMark, partMark): (Character, Character) = ("\u{1e}", "\u{1f}")

    var values: StatementArguments {
        StatementArguments([
            Int64(clamping: number), id, state, since, name, queue, worker, arguments, keywordArguments, result,
            exception, eta, expires, retries, parent, root, runtime, timelineText, traceback,
        ] as [(any DatabaseValueConvertible)?])
    }

    /// nil: somebody else wrote that.
    init?(_ row: Row) {
        func text(_ index: Int) -> String? { String.fromDatabaseValue(row[index]) }
        func real(_ index: Int) -> Double? { Double.fromDatabaseValue(row[index]) }
        guard let number = UInt64.fromDatabaseValue(row[0]), let id = text(1), let state = text(2),
            let since = real(3), let timeline = text(17)
        else { return nil }
        self.init(number: number, id: id, state: state, since: since)
        (name, queue, worker, arguments, keywordArguments) = (text(4), text(5), text(6), text(7), text(8))
        (result, exception, eta, expires) = (text(9), text(10), text(11), text(12))
        retries = Int.fromDatabaseValue(row[13]) ?? 0
        (parent, root, runtime, traceback) = (text(14), text(15), real(16), text(18))
        self.timeline = Self.steps(timeline)
    }

    private var timelineText: String {
        timeline.map { step in
            [step.state, "\(step.time)", step.worker ?? ""].map { part in
                part.filter { $0 != Self.stepMark && $0 != Self.partMark }
            }.joined(separator: String(Self.partMark))
        }.joined(separator: String(Self.stepMark))
    }

    private static func steps(_ text: String) -> [Step] {
        text.split(separator: stepMark).compactMap { step in
            let parts = step.split(separator: partMark, omittingEmptySubsequences: false)
            guard parts.count == 3, let time = Double(parts[1]) else { return nil }
            return Step(state: String(parts[0]), time: time, worker: parts[2].isEmpty ? nil : String(parts[2]))
        }
    }
}
