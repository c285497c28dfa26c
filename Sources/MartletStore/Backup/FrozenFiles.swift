import Glibc

/// A journal's folder as it is at one moment, for reading alone: the files that belong together are held open, so that
/// none of them goes while they are read, whatever the process does that writes to the folder.
struct FrozenFiles: Files {
    let folder: String
    private let files: [String: any ReadableFile]

    /// More than once only while a snapshot ends.
    private static let attempts = 100

    init(_ system: SystemFiles) throws(FilesError) {
        folder = system.folder
        for _ in 0..<Self.attempts {
            let names = try Self.names(system)
            if let files = try Self.open(names, system), try Self.names(system) == names {
                self.files = files
                return
            }
        }
        throw FilesError(operation: "read", file: folder, code: EBUSY, reason: "its files change all the time")
    }

    private static func names(_ system: SystemFiles) throws(FilesError) -> Set<String> {
        Set(try system.list().filter { JournalFormat.isOurs($0) })
    }

    /// nil: one of them is gone.
    private static func open(
        _ names: Set<String>, _ system: SystemFiles
    ) throws(FilesError) -> [String: any ReadableFile]? {
        var files: [String: any ReadableFile] = [:]
        for name in names {
            do throws(FilesError) {
                files[name] = try system.read(name)
            } catch {
                if error.code == ENOENT { return nil }
                throw error
            }
        }
        return files
    }

    func list() throws(FilesError) -> [String] { Array(files.keys) }

    func read(_ name: String) throws(FilesError) -> any ReadableFile {
        guard let file = files[name] else {
            throw FilesError(operation: "open", file: folder + "/" + name, code: ENOENT, reason: "no such file")
        }
        return file
    }

    // MARK: Nothing is changed

    func lock() throws(FilesError) -> Bool { true }
    func unlock() {}
    func truncate(_ name: String, to bytes: Int) throws(FilesError) {}
    func remove(_ name: String) throws(FilesError) {}
    func syncFolder() throws(FilesError) {}

    func create(_ name: String) throws(FilesError) -> any WritableFile { throw Self.refusal("create", name) }
    func rename(_ name: String, to new: String) throws(FilesError) { throw Self.refusal("rename", name) }

    private static func refusal(_ operation: String, _ name: String) -> FilesError {
        FilesError(operation: operation, file: name, code: EROFS, reason: "the folder is only read")
    }
}
