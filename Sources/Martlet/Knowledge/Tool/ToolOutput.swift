import Foundation
import Glibc
import Synchronization

/// What a command says: results to standard output, the rest to standard error.
final class ToolOutput: Sendable {
    /// What stands on a terminal's line until something else is said, and goes then.
    private static let erase = "\r\u{1b}[K"

    /// Of the terminal; nil: nobody looks on.
    let columns: Int?
    private let result: @Sendable (String) -> Void
    private let other: @Sendable (String) -> Void
    private let passing = Mutex("")

    /// - Parameters:
    ///   - columns: nil: what passes is not written.
    ///   - result: Writes a text as it is.
    init(columns: Int?, result: @escaping @Sendable (String) -> Void, other: @escaping @Sendable (String) -> Void) {
        (self.columns, self.result, self.other) = (columns, result, other)
    }

    /// This process's own.
    ///
    /// - Parameter columns: Of the terminal, if it is one.
    static func standard(columns: Int) -> ToolOutput {
        ToolOutput(
            columns: isatty(STDERR_FILENO) == 1 ? columns : nil,
            result: { try? FileHandle.standardOutput.write(contentsOf: Data($0.utf8)) },
            other: { try? FileHandle.standardError.write(contentsOf: Data($0.utf8)) })
    }

    /// A part of the result, as it is.
    func say(_ text: String) { instead { result(text) } }

    func line(_ text: String) { say(text + "\n") }

    /// A line for whoever looks on.
    func remark(_ line: String) { instead { other(line + "\n") } }

    /// A line of `columns` at most that the next words take the place of.
    func pass(_ line: String) {
        guard columns != nil else { return }
        passing.withLock { passing in
            guard line != passing else { return }
            other(Self.erase + line)
            passing = line
        }
    }

    private func instead(_ write: () -> Void) {
        passing.withLock { passing in
            if !passing.isEmpty { other(Self.erase) }
            passing = ""
            write()
        }
    }
}
