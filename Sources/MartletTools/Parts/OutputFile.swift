import Foundation

/// A file that a command was asked to write.
enum OutputFile {
    /// Throws, in words for a person, when it cannot be written.
    static func write(_ text: String, to path: String) throws {
        do {
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        } catch {
            throw ToolError(description: "cannot write \(path): \(error.localizedDescription)")
        }
    }
}
