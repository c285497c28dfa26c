import Glibc
import MartletNet

/// A folder of its own for the one file of a piece of work.
struct ScratchFolder: Sendable {
    private let path: String

    /// The file's path; there is none yet.
    var file: String { path + "/text" }

    /// Makes one that nobody else may look into.
    init(in parent: String) throws {
        var name = Array((parent + "/martlet-XXXXXX").utf8CString)
        // SAFETY: the call replaces the last characters of the terminated name.
        guard unsafe mkdtemp(&name) != nil else {
            throw KnowledgeError(.failed, "no folder can be made in \(parent): \(systemMessage(errno))")
        }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes it with its file.
    func remove() {
        // SAFETY: the paths live through the calls.
        _ = unsafe unlink(file)
        _ = unsafe rmdir(path)
    }
}
