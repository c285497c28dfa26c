/// A snapshot's file on its way: frames of records, then one without records, which says that it is whole.
struct SnapshotOutput {
    private static let frameBytes = 256 << 10

    private let file: any WritableFile
    private let salt: UInt64
    /// After so many bytes it is synced, so that its end is no stall for everything else.
    private let syncBytes: Int
    private var batch = Batch(first: 0)
    /// Bytes written since the last sync.
    private var unsynced = 0

    /// Begins a file of that name.
    ///
    /// - Parameter next: The first record that the snapshot does not hold.
    init(_ files: any Files, _ name: String, next: UInt64, syncBytes: Int) throws(FilesError) {
        let head = FileHead(kind: .snapshot, ordinal: next, first: next)
        file = try files.create(name)
        salt = head.salt
        self.syncBytes = syncBytes
        try file.write(head.encoded())
    }

    mutating func append(_ record: [UInt8]) throws(FilesError) {
        if batch.records > 0, !batch.hasRoom(for: record, within: Self.frameBytes) { try writeFrame() }
        batch.append(record)
    }

    /// Nothing follows: all of it is durable, but for its name.
    mutating func end() throws(FilesError) {
        if batch.records > 0 { try writeFrame() }
        try writeFrame()
        try file.sync()
    }

    private mutating func writeFrame() throws(FilesError) {
        let frame = batch.sealed(durable: 0, salt: salt)
        try file.write(frame)
        batch = Batch(first: batch.first + UInt64(batch.records))
        unsynced += frame.count
        guard unsynced >= syncBytes else { return }
        try file.sync()
        unsynced = 0
    }
}
