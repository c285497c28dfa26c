/// The files of one folder, as far as the journal needs them. Calls wait for the disk.
///
/// What was written survives a crash once the file was synced; a name that was made, changed or removed, once the
/// folder was synced.
package protocol Files: Sendable {
    /// The folder, for messages.
    var folder: String { get }

    /// Makes the folder this process' alone. False: another one has it.
    func lock() throws(FilesError) -> Bool
    func unlock()

    /// All names, in no order.
    func list() throws(FilesError) -> [String]
    /// An empty file; one of that name that is there already is emptied.
    func create(_ name: String) throws(FilesError) -> any WritableFile
    func read(_ name: String) throws(FilesError) -> any ReadableFile
    /// Cuts a file short and syncs it.
    func truncate(_ name: String, to bytes: Int) throws(FilesError)
    /// A file that has the new name already is replaced.
    func rename(_ name: String, to new: String) throws(FilesError)
    func remove(_ name: String) throws(FilesError)
    func syncFolder() throws(FilesError)
}

/// A file that grows. It closes itself when nobody holds it any more.
package protocol WritableFile: AnyObject, Sendable {
    /// Appends all bytes, or throws: then some of them may have been written.
    func write(_ bytes: [UInt8]) throws(FilesError)
    /// Asks for room up to `bytes` from the start, filled with zeros, so that writing into it does not change the
    /// file's size, which makes syncs cheaper. It may do nothing.
    func reserve(upTo bytes: Int)
    /// Returns when all that was written will survive a crash.
    func sync() throws(FilesError)
}

package protocol ReadableFile: AnyObject, Sendable {
    /// In bytes.
    var size: Int { get }
    /// So many bytes, fewer only at the end.
    func read(at offset: Int, count: Int) throws(FilesError) -> [UInt8]
}

/// An operation on a file that failed.
package struct FilesError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Such as `write`.
    package var operation: String
    package var file: String
    /// The errno.
    package var code: Int32
    /// The system's words for it.
    package var reason: String

    package init(operation: String, file: String, code: Int32, reason: String) {
        self.operation = operation
        self.file = file
        self.code = code
        self.reason = reason
    }

    package var description: String { "\(operation) \(file): \(reason)" }
}
