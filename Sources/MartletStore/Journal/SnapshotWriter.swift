import Synchronization

/// Writes a snapshot: records that, replayed alone, give the state in which the journal was when it was begun. Its
/// calls wait for the disk: use it where that is no harm, never on an event loop.
///
/// It counts once ``finish()`` has returned. One that nobody holds any more is abandoned.
package final class SnapshotWriter: Sendable {
    private struct Output {
        var file: any WritableFile
        var salt: UInt64
        var batch: Batch
        /// Bytes written since the last sync.
        var unsynced = 0
    }

    private enum State {
        case notBegun
        case writing(Output)
        case ended
    }

    private static let frameBytes = 256 << 10

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
        try step { (output) throws(FilesError) in
            if output.batch.records > 0, !output.batch.hasRoom(for: record, within: Self.frameBytes) {
                try self.writeFrame(&output)
            }
            output.batch.append(record)
        }
    }

    /// Makes the snapshot durable; the segments that it replaces are removed.
    package func finish() throws(JournalError) {
        try step { (output) throws(FilesError) in
            if output.batch.records > 0 { try self.writeFrame(&output) }
            // Without records: the end.
            try self.writeFrame(&output)
            try output.file.sync()
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

    private func step(_ body: (inout Output) throws(FilesError) -> Void) throws(JournalError) {
        // The folder may be another process' by now.
        guard !journal.isClosed else { throw .closed }
        let failure = state.withLock { state -> JournalError? in
            do throws(FilesError) {
                var output: Output
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

    private func begin() throws(FilesError) -> Output {
        let head = FileHead(kind: .snapshot, ordinal: next, first: next)
        let file = try files.create(JournalFormat.partialName(next))
        try file.write(head.encoded())
        return Output(file: file, salt: head.salt, batch: Batch(first: 0))
    }

    private func writeFrame(_ output: inout Output) throws(FilesError) {
        let frame = output.batch.sealed(durable: 0, salt: output.salt)
        try output.file.write(frame)
        output.batch = Batch(first: output.batch.first + UInt64(output.batch.records))
        output.unsynced += frame.count
        guard output.unsynced >= syncBytes else { return }
        try output.file.sync()
        output.unsynced = 0
    }
}
