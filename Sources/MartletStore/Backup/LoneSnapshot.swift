import Glibc

/// A backup as the journal's folder that it makes: one snapshot, and nothing else.
struct LoneSnapshot: Files {
    let folder: String
    /// The first record that the snapshot does not hold.
    let next: UInt64
    private let name: String
    private let files: SystemFiles

    /// - Throws: `damaged` when the file is no backup.
    init(_ files: SystemFiles, _ name: String) throws(JournalError) {
        self.files = files
        self.name = name
        folder = files.folder
        let head: FileHead?
        do throws(FilesError) {
            head = try FrameReader(files, name, .snapshot).head
        } catch {
            throw .files(error)
        }
        guard let head else { throw .damaged(file: name, offset: 0, reason: "it is no backup of a broker") }
        next = head.first
    }

    func list() throws(FilesError) -> [String] { [JournalFormat.snapshotName(next)] }
    func read(_ name: String) throws(FilesError) -> any ReadableFile { try files.read(self.name) }

    // MARK: Nothing is changed

    func lock() throws(FilesError) -> Bool { true }
    func unlock() {}
    func truncate(_ name: String, to bytes: Int) throws(FilesError) {}
    func remove(_ name: String) throws(FilesError) {}
    func syncFolder() throws(FilesError) {}

    func create(_ name: String) throws(FilesError) -> any WritableFile { throw refusal("create") }
    func rename(_ name: String, to new: String) throws(FilesError) { throw refusal("rename") }

    private func refusal(_ operation: String) -> FilesError {
        FilesError(operation: operation, file: name, code: EROFS, reason: "the backup is only read")
    }
}
