/// Why a journal could not be opened, or does not take a record.
package enum JournalError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another process has the folder.
    case inUse(folder: String)
    /// Bytes that had been acknowledged cannot be read any more. The offset is where they begin.
    case damaged(file: String, offset: Int, reason: String)
    /// Whoever replays does not understand a record.
    case refused(file: String, offset: Int, reason: String)
    case files(FilesError)
    /// So much waits to be written that no more is taken; see ``Journal/trouble`` for the reason, if there is one.
    case full(waitingBytes: Int)
    /// A record longer than a frame may be.
    case tooLong(bytes: Int)
    /// One snapshot at a time.
    case snapshotIsRunning
    /// What would be written over is there.
    case exists(file: String)
    /// The journal, or the snapshot, was closed.
    case closed

    package var description: String {
        switch self {
        case .inUse(let folder): "\(folder) is in use by another process"
        case .damaged(let file, let offset, let reason): "\(file) is damaged at byte \(offset): \(reason)"
        case .refused(let file, let offset, let reason): "\(file) at byte \(offset): \(reason)"
        case .files(let error): "\(error)"
        case .full(let waitingBytes): "\(waitingBytes) bytes wait to be written"
        case .tooLong(let bytes): "a record of \(bytes) bytes"
        case .snapshotIsRunning: "a snapshot is being written already"
        case .exists(let file): "\(file) holds something already"
        case .closed: "the journal is closed"
        }
    }
}

/// What keeps the journal from writing. It tries again by itself.
package struct JournalTrouble: Sendable, Equatable, CustomStringConvertible {
    package var error: FilesError
    /// How often it was tried in vain.
    package var attempts: Int

    package var description: String { "\(error) (attempt \(attempts))" }
}
