import Synchronization

/// How far the adding of files has come.
struct AddProgress {
    private static let barColumns = 24

    private let files: Int
    private var done = 0
    private var name = ""
    private var chunks = (done: 0, of: 0)

    /// - Parameter files: In all.
    init(files: Int) {
        self.files = files
    }

    mutating func begin(_ name: String) { (self.name, chunks) = (name, (0, 0)) }
    mutating func embedded(_ done: Int, of count: Int) { chunks = (done, count) }
    mutating func end() { done += 1 }

    /// 0...1; the file that is read counts by its chunks.
    private var share: Double {
        guard files > 0 else { return 1 }
        let part = chunks.of > 0 ? Double(min(chunks.done, chunks.of)) / Double(chunks.of) : 0
        return min(1, (Double(done) + part) / Double(files))
    }

    /// `[=====     ]  3/12  wiki/Home.md  40/120 chunks`.
    func line(columns: Int) -> String {
        let told = chunks.of > 0 ? "  \(chunks.done)/\(chunks.of) chunks" : ""
        let head = "[\(Self.bar(share))] \(min(done + 1, files))/\(files)  "
        // The name gives way first; the last column stays free, or some terminals break the line.
        let room = columns - 1 - head.count - told.count
        let shown = room > 4 ? TerminalText.cut(printable(name), columns: room) + told : ""
        return TerminalText.cut(head + shown, columns: columns - 1)
    }

    /// `[=====     ]  40/120 chunks`.
    static func bar(_ done: Int, of count: Int, _ told: String, columns: Int) -> String {
        let share = count > 0 ? min(1, Double(done) / Double(count)) : 1
        return TerminalText.cut("[\(bar(share))] \(told)", columns: columns - 1)
    }

    private static func bar(_ share: Double) -> String {
        let full = Int(share * Double(barColumns))
        return String(repeating: "=", count: full) + String(repeating: " ", count: barColumns - full)
    }
}

/// Shows it on the terminal, from whatever thread it is told.
final class ShownProgress: Sendable {
    private let progress: Mutex<AddProgress>
    private let output: ToolOutput

    init(files: Int, on output: ToolOutput) {
        progress = Mutex(AddProgress(files: files))
        self.output = output
    }

    func change(_ body: (inout AddProgress) -> Void) {
        guard let columns = output.columns else { return }
        output.pass(
            progress.withLock { progress in
                body(&progress)
                return progress.line(columns: columns)
            })
    }
}
