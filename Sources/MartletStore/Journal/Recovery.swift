/// Reads what a journal left, and leaves behind only what is whole and durable.
///
/// The newest snapshot comes first, then the records that follow it, segment by segment. Of two segments that hold the
/// same record the later one counts: it was begun because writing to the former one had failed.
struct Recovery {
    /// A segment that still holds records which no snapshot has.
    struct Segment: Sendable, Equatable {
        var name: String
        /// The sequence after its last record.
        var end: UInt64
    }

    struct Result: Sendable {
        /// The sequence of the last record; 0: there is none.
        var durable: UInt64 = 0
        var nextOrdinal: UInt64 = 1
        var segments: [Segment] = []
        /// The name of the snapshot in use.
        var snapshot: String?
        /// Bytes of frames that no snapshot holds.
        var bytes = 0
        /// What was found that need not be, in words.
        var remarks: [String] = []
    }

    private let files: any Files
    private let replay: ([UInt8]) throws -> Void
    /// The sequence of the next record to replay.
    private var next: UInt64 = 1
    private var result = Result()
    private var obsolete: [String] = []

    static func run(_ files: any Files, replay: ([UInt8]) throws -> Void) throws(JournalError) -> Result {
        try withoutActuallyEscaping(replay) { (replay) throws(JournalError) in
            var recovery = Recovery(files, replay)
            try recovery.run()
            return recovery.result
        }
    }

    private init(_ files: any Files, _ replay: @escaping ([UInt8]) throws -> Void) {
        self.files = files
        self.replay = replay
    }

    private mutating func run() throws(JournalError) {
        let names = try orFail { () throws(FilesError) in try files.list() }
        obsolete += names.filter { $0.hasSuffix(JournalFormat.partialSuffix) }
        try readSnapshot(names.filter { JournalFormat.snapshotNext($0) != nil }.sorted())
        try readSegments(names.filter { JournalFormat.segmentOrdinal($0) != nil }.sorted())
        result.durable = next - 1
        // Nothing is removed on the ground of a name that could be lost.
        try orFail { () throws(FilesError) in try files.syncFolder() }
        for name in obsolete { try? files.remove(name) }
    }

    // MARK: The snapshot

    private mutating func readSnapshot(_ names: [String]) throws(JournalError) {
        guard let name = names.last else { return }
        obsolete += names.dropLast()
        result.snapshot = name
        var reader = try open(name, .snapshot)
        guard let head = reader.head, head.first == JournalFormat.snapshotNext(name) else {
            throw .damaged(file: name, offset: 0, reason: "its head cannot be read")
        }
        var count: UInt64 = 0
        while let frame = try nextFrame(&reader), frame.head.first == count {
            if frame.head.records == 0 {
                next = head.first
                return
            }
            for record in try records(frame, name) { try hand(record.bytes, name, record.offset) }
            count += UInt64(frame.head.records)
        }
        throw .damaged(file: name, offset: reader.offset, reason: "the snapshot cannot be read any further")
    }

    // MARK: The segments

    private mutating func readSegments(_ names: [String]) throws(JournalError) {
        var readers: [(reader: FrameReader, first: UInt64)] = []
        for name in names {
            result.nextOrdinal = max(result.nextOrdinal, (JournalFormat.segmentOrdinal(name) ?? 0) + 1)
            var reader = try open(name, .segment)
            if let head = reader.head, head.ordinal == JournalFormat.segmentOrdinal(name) {
                readers.append((reader, head.first))
            } else if try orFail({ () throws(FilesError) in try reader.hasMore() }) {
                throw .damaged(file: name, offset: 0, reason: "its head cannot be read")
            } else {
                result.remarks.append("\(name) had been begun, but held nothing yet")
                obsolete.append(name)
            }
        }
        for index in readers.indices {
            let limit = index + 1 < readers.count ? readers[index + 1].first : nil
            try readSegment(&readers[index].reader, from: readers[index].first, before: limit)
        }
    }

    /// - Parameter limit: The first record of the next segment; nil: there is none.
    private mutating func readSegment(
        _ reader: inout FrameReader, from first: UInt64, before limit: UInt64?
    ) throws(JournalError) {
        if let limit, limit <= next { return obsolete.append(reader.name) }
        guard first <= next else {
            throw .damaged(
                file: reader.name, offset: 0, reason: "the records \(next) to \(first - 1) are missing before it")
        }
        let snapshotNext = next
        var expected = first
        while expected < limit ?? .max, let frame = try nextFrame(&reader), frame.head.first == expected,
            frame.head.records > 0
        {
            try replayFrame(frame, reader.name)
            expected += UInt64(frame.head.records)
        }
        if limit == nil {
            try finishLast(&reader, expected: expected)
        } else if let limit, expected < limit {
            throw Self.unreadable(expected, reader.name, reader.offset)
        }
        if expected <= snapshotNext {
            obsolete.append(reader.name)
        } else {
            result.segments.append(Segment(name: reader.name, end: next))
            result.bytes += reader.offset - FileHead.bytes
        }
    }

    private mutating func replayFrame(_ frame: Frame, _ name: String) throws(JournalError) {
        var sequence = frame.head.first
        for record in try records(frame, name) {
            if sequence == next {
                try hand(record.bytes, name, record.offset)
                next += 1
            }
            sequence += 1
        }
    }

    /// What follows the last whole frame was never acknowledged, or it is damaged.
    private mutating func finishLast(_ reader: inout FrameReader, expected: UInt64) throws(JournalError) {
        let end = reader.offset
        let isDamaged: Bool
        let isTorn: Bool
        do {
            isDamaged = try reader.knowsDurable(expected)
            isTorn = try reader.hasMore()
        } catch {
            throw .files(error)
        }
        guard !isDamaged else { throw Self.unreadable(expected, reader.name, end) }
        if isTorn {
            result.remarks.append("\(reader.name) was cut off at byte \(end): what followed had not been acknowledged")
        }
        // Synced with that: what was replayed may have been in memory only.
        try orFail { () throws(FilesError) in try files.truncate(reader.name, to: end) }
    }

    private static func unreadable(_ record: UInt64, _ name: String, _ offset: Int) -> JournalError {
        .damaged(file: name, offset: offset, reason: "record \(record) cannot be read, later ones are there")
    }

    // MARK: Parts

    private func open(_ name: String, _ kind: FileHead.Kind) throws(JournalError) -> FrameReader {
        try orFail { () throws(FilesError) in try FrameReader(files, name, kind) }
    }

    private func nextFrame(_ reader: inout FrameReader) throws(JournalError) -> Frame? {
        try orFail { () throws(FilesError) in try reader.next() }
    }

    private func records(_ frame: Frame, _ name: String) throws(JournalError) -> [(offset: Int, bytes: [UInt8])] {
        guard let records = frame.records() else {
            throw .damaged(file: name, offset: frame.offset, reason: "a frame whose records are not as its head says")
        }
        return records
    }

    private func hand(_ record: [UInt8], _ name: String, _ offset: Int) throws(JournalError) {
        do {
            try replay(record)
        } catch {
            throw .refused(file: name, offset: offset, reason: "\(error)")
        }
    }

    private func orFail<T>(_ body: () throws(FilesError) -> T) throws(JournalError) -> T {
        do {
            return try body()
        } catch {
            throw .files(error)
        }
    }
}
