/// All that a journal's folder holds, in one file: a snapshot by itself. Made also while a process writes to the
/// folder, from what was durable when it was begun or a little more; a folder that is made of it goes on from there.
///
/// Its calls wait for the disk.
package enum Backup {
    /// A file that is being written grew and lost names while it was looked at: it is looked at again, so often.
    private static let attempts = 5
    private static let syncBytes = 8 << 20
    private static let pieceBytes = 1 << 20

    /// Reads a folder without taking or changing it.
    ///
    /// - Parameters:
    ///   - empty: A state before the first record.
    ///   - replay: Adds a record to the state. An error ends the reading.
    /// - Returns: The state, and the sequence of the first record that is not in it.
    package static func read<State>(
        _ folder: String, empty: () -> State, replay: (inout State, [UInt8]) throws -> Void
    ) throws(JournalError) -> (state: State, next: UInt64) {
        var attempt = 1
        while true {
            do throws(JournalError) {
                let files = try orFail { () throws(FilesError) in try FrozenFiles(try SystemFiles(folder: folder)) }
                var state = empty()
                let found = try Recovery.run(files) { try replay(&state, $0) }
                return (state, found.durable + 1)
            } catch {
                // What is being written may look damaged at its end.
                guard case .damaged = error, attempt < attempts else { throw error }
                attempt += 1
            }
        }
    }

    /// Writes a backup of a state.
    ///
    /// - Parameters:
    ///   - next: As `read` answered it.
    ///   - records: Hands over the records that give the state.
    /// - Throws: `exists` when there is a file of that name.
    package static func write(
        _ name: String, in folder: String, next: UInt64,
        records: (_ write: ([UInt8]) throws(JournalError) -> Void) throws(JournalError) -> Void
    ) throws(JournalError) {
        let files = try orFail { () throws(FilesError) in try SystemFiles(folder: folder) }
        let names = try orFail { () throws(FilesError) in try files.list() }
        guard !names.contains(name) else {
            throw .exists(file: folder + "/" + name)
        }
        let partial = name + JournalFormat.partialSuffix
        do throws(JournalError) {
            var output = try orFail { () throws(FilesError) in
                try SnapshotOutput(files, partial, next: next, syncBytes: syncBytes)
            }
            try records { (record) throws(JournalError) in
                guard record.count <= JournalFormat.recordBytes else { throw .tooLong(bytes: record.count) }
                do throws(FilesError) { try output.append(record) } catch { throw .files(error) }
            }
            do throws(FilesError) {
                try output.end()
                try files.rename(partial, to: name)
                try files.syncFolder()
            } catch {
                throw .files(error)
            }
        } catch {
            try? files.remove(partial)
            throw error
        }
    }

    /// Reads a backup, all of which is checked.
    package static func read(
        _ name: String, in folder: String, replay: ([UInt8]) throws -> Void
    ) throws(JournalError) {
        let files = try orFail { () throws(FilesError) in try SystemFiles(folder: folder) }
        _ = try Recovery.run(try LoneSnapshot(files, name), replay: replay)
    }

    /// Makes a folder hold what a backup holds. Read the backup before: what is damaged is copied as it is.
    ///
    /// - Throws: `exists` when the folder holds something already, `inUse` when a process has it.
    package static func restore(_ name: String, in place: String, to folder: String) throws(JournalError) {
        let source = try orFail { () throws(FilesError) in try SystemFiles(folder: place) }
        let next = try LoneSnapshot(source, name).next
        let files = try orFail { () throws(FilesError) in try SystemFiles(folder: folder) }
        guard try orFail({ () throws(FilesError) in try files.lock() }) else { throw .inUse(folder: folder) }
        defer { files.unlock() }
        let names = try orFail { () throws(FilesError) in try files.list() }
        guard !names.contains(where: { JournalFormat.isOurs($0) }) else { throw .exists(file: folder) }
        try orFail { () throws(FilesError) in
            let partial = JournalFormat.partialName(next)
            try copy(try source.read(name), to: try files.create(partial))
            try files.rename(partial, to: JournalFormat.snapshotName(next))
            try files.syncFolder()
        }
    }

    private static func copy(
        _ source: any ReadableFile, to destination: any WritableFile
    ) throws(FilesError) {
        var place = 0
        while place < source.size {
            let piece = try source.read(at: place, count: pieceBytes)
            guard !piece.isEmpty else { break }
            try destination.write(piece)
            place += piece.count
        }
        try destination.sync()
    }

    private static func orFail<T>(_ body: () throws(FilesError) -> T) throws(JournalError) -> T {
        do throws(FilesError) { return try body() } catch { throw .files(error) }
    }
}
