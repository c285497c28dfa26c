import Dispatch
import Synchronization

/// Keeps records: what it reported as durable is there after any crash, in its order, and nothing else is.
///
/// Records are appended from an event loop, which never waits: a queue of its own writes all that came since its last
/// turn, syncs once and reports how far it got. While it cannot write it keeps what waits, and tries again.
///
/// ```swift
/// let journal = try Journal.open(files, replay: { keyspace.apply($0) }, onSynced: { … }, onTrouble: { … })
/// let sequence = try journal.append(bytes)  // answer once onSynced said so
/// ```
package final class Journal: Sendable {
    /// Who makes waiting records durable.
    package enum Driver: Sendable {
        /// A queue of the journal's own, at once.
        case queue
        /// Whoever calls ``commit()``: tests, and tools that do one thing after the other.
        case caller
    }

    fileprivate enum Turn: Comparable {
        case none
        /// More records may come before.
        case later
        /// It is at work, or will be at once.
        case now
    }

    fileprivate struct State {
        var waiting: [Batch] = []
        /// One that was written, for the next records: between what stays in memory, frames that come and go would
        /// leave gaps that nothing fits into.
        var spare: Batch?
        static let spareBytes = 4 << 20
        /// Appended and not durable, in bytes.
        var waitingBytes = 0
        var next: UInt64
        /// The next record begins a segment.
        var startsSegment = false
        /// When the queue is at work next.
        var turn = Turn.none
        /// Somebody waits for all records up to this one.
        var hurried: UInt64 = 0
        var isClosed = false
        var isSnapshotRunning = false
        /// Bytes of all records that the running snapshot holds, as `figures.bytes` counts them.
        var bytesInSnapshot: UInt64 = 0
        var durable: UInt64
        var trouble: JournalTrouble?
        var figures = JournalFigures()
    }

    private let files: any Files
    private let policy: JournalPolicy
    private let state: Mutex<State>
    /// Held while the disk is at work.
    private let writer: Mutex<SegmentWriter>
    private let queue: DispatchQueue?
    private let onSynced: @Sendable (UInt64) -> Void
    private let onTrouble: @Sendable (JournalTrouble?) -> Void

    /// What opening found that need not be, in words for the log: a torn end, a file that held nothing.
    package let remarks: [String]

    /// Locks the folder, replays what is in it and continues behind that.
    ///
    /// - Parameters:
    ///   - replay: Gets each record: those of the newest snapshot, then all that follow. An error ends the opening.
    ///   - onSynced: All records up to this sequence are durable. Called where the disk is waited for, in order; it
    ///     must not call the journal's ``close()``.
    ///   - onTrouble: Writing failed, for the first time or again; nil: it works again. Called as `onSynced`.
    package static func open(
        _ files: any Files,
        policy: JournalPolicy = JournalPolicy(),
        driver: Driver = .queue,
        replay: ([UInt8]) throws -> Void,
        onSynced: @escaping @Sendable (_ sequence: UInt64) -> Void = { _ in },
        onTrouble: @escaping @Sendable (JournalTrouble?) -> Void = { _ in }
    ) throws(JournalError) -> Journal {
        do {
            guard try files.lock() else { throw JournalError.inUse(folder: files.folder) }
        } catch let error as JournalError {
            throw error
        } catch let error as FilesError {
            throw .files(error)
        } catch {
            throw .closed
        }
        do throws(JournalError) {
            let found = try Recovery.run(files, replay: replay)
            return Journal(files, policy, driver, found, onSynced, onTrouble)
        } catch {
            files.unlock()
            throw error
        }
    }

    private init(
        _ files: any Files, _ policy: JournalPolicy, _ driver: Driver, _ found: Recovery.Result,
        _ onSynced: @escaping @Sendable (UInt64) -> Void, _ onTrouble: @escaping @Sendable (JournalTrouble?) -> Void
    ) {
        self.files = files
        self.policy = policy
        self.onSynced = onSynced
        self.onTrouble = onTrouble
        remarks = found.remarks
        queue = driver == .queue ? DispatchQueue(label: "martlet.journal") : nil
        writer = Mutex(SegmentWriter(files, policy, after: found))
        var state = State(next: found.durable + 1, durable: found.durable)
        state.figures.bytesSinceSnapshot = UInt64(found.bytes)
        self.state = Mutex(state)
    }

    // MARK: From any thread

    /// Takes a record and answers its sequence: 1 for the first one ever, then each the next. Never waits. The record
    /// is made durable within ``JournalPolicy/gatherDelay``, or at once where ``hurry()`` follows.
    ///
    /// - Throws: `full`, `tooLong`, `closed`. The record is then not in the journal.
    package func append(_ record: [UInt8]) throws(JournalError) -> UInt64 {
        guard record.count <= JournalFormat.recordBytes else { throw .tooLong(bytes: record.count) }
        let (result, mustWake) = state.withLock { state -> (Result<UInt64, JournalError>, Bool) in
            guard !state.isClosed else { return (.failure(.closed), false) }
            guard state.waitingBytes == 0 || state.waitingBytes + record.count <= policy.waitingBytes else {
                return (.failure(.full(waitingBytes: state.waitingBytes)), false)
            }
            let sequence = state.take(record, frameBytes: policy.frameBytes)
            defer { state.turn = max(state.turn, .later) }
            return (.success(sequence), state.turn == .none)
        }
        if mustWake { schedule(after: policy.gatherDelay) }
        return try result.get()
    }

    /// Somebody waits for the records so far: they are made durable at once.
    package func hurry() {
        let mustWake = state.withLock { state in
            state.hurried = state.next - 1
            guard !state.waiting.isEmpty, state.turn < .now else { return false }
            state.turn = .now
            return true
        }
        if mustWake { schedule(after: nil) }
    }

    /// All records up to this one are durable; 0: none is.
    package var durable: UInt64 { state.withLock { $0.durable } }

    /// The sequence of the record appended last; 0: there is none.
    package var last: UInt64 { state.withLock { $0.next - 1 } }

    /// What was appended and is not durable, in bytes. For backpressure: at ``JournalPolicy/waitingBytes`` records are
    /// refused.
    package var waitingBytes: Int { state.withLock { $0.waitingBytes } }

    /// What keeps the journal from writing; nil: nothing.
    package var trouble: JournalTrouble? { state.withLock { $0.trouble } }

    package var figures: JournalFigures { state.withLock { $0.figures } }

    /// Begins a snapshot of the state after all records so far, durable or not. What is appended from here on is kept
    /// apart from it. Never waits.
    package func beginSnapshot() throws(JournalError) -> SnapshotWriter {
        let result = state.withLock { state -> Result<UInt64, JournalError> in
            guard !state.isClosed else { return .failure(.closed) }
            guard !state.isSnapshotRunning else { return .failure(.snapshotIsRunning) }
            state.isSnapshotRunning = true
            state.startsSegment = true
            state.bytesInSnapshot = state.figures.bytes + UInt64(state.waitingBytes)
            return .success(state.next)
        }
        return SnapshotWriter(self, files, next: try result.get(), syncBytes: policy.snapshotSyncBytes)
    }

    // MARK: Where the disk is waited for

    /// Makes all durable that waits, and answers whether that worked. Waits for the disk.
    @discardableResult
    package func commit() -> Bool {
        while var batches = takeBatches() {
            guard commit(&batches) else { return false }
        }
        return true
    }

    /// Takes no more records, makes durable what waits and gives the folder back. Waits for the disk.
    ///
    /// - Throws: `files` when that failed. What was not durable may be lost.
    package func close() throws(JournalError) {
        let wasClosed = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed
        }
        guard !wasClosed else { return }
        if let queue { queue.sync { finish() } } else { finish() }
        if let trouble { throw .files(trouble.error) }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    private func finish() {
        commit()
        // What could not be written now is not tried again: the folder is no longer ours.
        state.withLock { $0.waiting = [] }
        writer.withLock { $0.close() }
        files.unlock()
    }

    func finished(snapshotBefore next: UInt64) {
        writer.withLock { $0.drop(before: next, for: JournalFormat.snapshotName(next)) }
        state.withLock { state in
            state.isSnapshotRunning = false
            state.figures.snapshots += 1
            let all = state.figures.bytes
            state.figures.bytesSinceSnapshot = all > state.bytesInSnapshot ? all - state.bytesInSnapshot : 0
        }
    }

    func abandonedSnapshot() {
        state.withLock { $0.isSnapshotRunning = false }
    }

    /// - Parameter delay: Nil: at once.
    private func schedule(after delay: Duration?) {
        guard let queue else { return }
        guard let delay else { return queue.async { self.work() } }
        let nanoseconds = Int(clamping: Int64(delay / .nanoseconds(1)))
        queue.asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { self.work() }
    }

    private func work() {
        var isFirst = true
        while var batches = takeBatches(ifHurried: !isFirst) {
            guard commit(&batches) else { return schedule(after: policy.retryDelay) }
            isFirst = false
        }
        if state.withLock({ $0.turn == .later }) { schedule(after: policy.gatherDelay) }
    }

    /// What one sync can make durable; nil: nothing waits.
    ///
    /// - Parameter ifHurried: Only where somebody waits for it.
    private func takeBatches(ifHurried: Bool = false) -> [Batch]? {
        state.withLock { state in
            guard let first = state.waiting.first else {
                state.turn = .none
                return nil
            }
            guard !ifHurried || first.first <= state.hurried else {
                state.turn = .later
                return nil
            }
            state.turn = .now
            let rest = state.waiting.dropFirst().drop { !$0.startsSegment }
            let taken = [first] + state.waiting[1..<rest.startIndex]
            state.waiting = Array(rest)
            return taken
        }
    }

    /// - Parameter batches: Nobody else may have them, or their frames are copied when their heads are filled in.
    private func commit(_ batches: inout [Batch]) -> Bool {
        let result = writer.withLock { writer -> Result<Double, FilesError> in
            do throws(FilesError) {
                return .success(try writer.commit(&batches))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let seconds):
            let (durable, wasInTrouble) = state.withLock { $0.succeed(batches, sync: seconds) }
            onSynced(durable)
            if wasInTrouble { onTrouble(nil) }
            return true
        case .failure(let error):
            onTrouble(state.withLock { $0.fail(batches, error) })
            return false
        }
    }
}

extension Journal.State {
    fileprivate mutating func take(_ record: [UInt8], frameBytes: Int) -> UInt64 {
        let fits = waiting.last?.hasRoom(for: record, within: frameBytes) ?? false
        if startsSegment || !fits {
            waiting.append(spare ?? Batch(first: next))
            spare = nil
            waiting[waiting.count - 1].restart(first: next, startsSegment: startsSegment)
            startsSegment = false
        }
        waiting[waiting.count - 1].append(record)
        waitingBytes += record.count
        defer { next += 1 }
        return next
    }

    fileprivate mutating func succeed(_ batches: [Batch], sync seconds: Double) -> (durable: UInt64, Bool) {
        durable = batches.last?.last ?? durable
        let bytes = batches.reduce(0) { $0 + $1.bytes }
        let records = batches.reduce(0) { $0 + $1.records }
        waitingBytes -= batches.reduce(0) { $0 + $1.recordBytes }
        if let last = batches.last, last.memory <= Self.spareBytes { spare = last }
        figures.count(records: records, bytes: bytes, sync: seconds)
        defer { trouble = nil }
        return (durable, trouble != nil)
    }

    fileprivate mutating func fail(_ batches: [Batch], _ error: FilesError) -> JournalTrouble {
        waiting.insert(contentsOf: batches, at: 0)
        figures.failures += 1
        let trouble = JournalTrouble(error: error, attempts: (trouble?.attempts ?? 0) + 1)
        self.trouble = trouble
        return trouble
    }
}
