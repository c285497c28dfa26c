import Synchronization

/// Writes a snapshot: records that, replayed alone, give the state in which the journal was when it was begun. Its
/// calls wait for the disk: use it where that is no harm, never on an event loop.
///
/// It counts once ``finish()`` has returned. One that nobody holds any more is abandoned.
package final class SnapshotWriter: Sendable {
    private enum State {
        case notBegun
        case writing(SnapshotOutput)
        case ended
    }

    private let journal: Journal
    private let files: any Files
    private let syncBytes: Int
    /// The first record that the snapshot does not hold.
    private let next: UInt64
    private let state = Mutex(State.notBegun)

    init(_ journal: Journal, _ files: any Files, next: UInt64, syncBytes: Int) {
        self.journal = journal
        self.files = files
        self.next = next
        self.syncBytes = syncBytes
    }

    deinit { abandon() }

    /// After an error there is no snapshot, and nothing else has changed.
    package func write(_ record: [UInt8]) throws(JournalError) {
        guard record.count <= JournalFormat.recordBytes else { throw .tooLong(bytes: record.count) }
        try step { (output) throws(FilesError) in try output.append(record) }
    }

    /// Makes the snapshot durable; the segments that it replaces are removed.
    package func finish() throws(JournalError) {
        try step { (output) throws(FilesError) in
            try output.end()
            try self.files.rename(JournalFormat.partialName(self.next), to: JournalFormat.snapshotName(self.next))
            try self.files.syncFolder()
        }
        state.withLock { $0 = .ended }
        journal.finished(snapshotBefore: next)
    }

    /// Removes what was written.
    package func abandon() {
        let hasEnded = state.withLock { state in
            defer { state = .ended }
            if case .ended = state { return true }
            return false
        }
        guard !hasEnded else { return }
        try? files.remove(JournalFormat.partialName(next))
        journal.abandonedSnapshot()
    }

    private func step(_ body: (inout SnapshotOutput) throws(FilesError) -> Void) throws(JournalError) {
        // The folder may be another process' by now.
        guard !journal.isClosed else { throw .closed }
        let failure = state.withLock { state -> JournalError? in
            do throws(FilesError) {
                var output: SnapshotOutput
                switch state {
                case .ended: return .closed
                case .writing(let begun): output = begun
                case .notBegun: output = try begin()
                }
                state = .notBegun
                try body(&output)
                state = .writing(output)
                return nil
            } catch {
                return .files(error)
            }
        }
        guard let failure else { return }
        abandon()
        throw failure
    }

    private func begin() throws(FilesError) -> SnapshotOutput {
        try SnapshotOutput(files, JournalFormat.partialName(next), next: next, syncBytes: syncBytes)
    }
}
