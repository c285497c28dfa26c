/// Writes frames to segments, one after the other.
///
/// A segment to which writing failed once is never written to again: after a failed sync nobody knows what of it is on
/// the disk, and a second sync would say that all is well. What was not durable is written again, to a new segment,
/// whose first record tells where the former one ends.
struct SegmentWriter: Sendable {
    private struct Segment {
        let name: String
        let file: any WritableFile
        let salt: UInt64
        let first: UInt64
        /// All before is durable.
        var offset: Int
        var reserved = 0
    }

    /// All records up to this one are durable.
    private(set) var durable: UInt64
    private let files: any Files
    private let policy: JournalPolicy
    private var nextOrdinal: UInt64
    private var current: Segment?
    private var former: [Recovery.Segment]
    private var snapshot: String?

    init(_ files: any Files, _ policy: JournalPolicy, after found: Recovery.Result) {
        self.files = files
        self.policy = policy
        durable = found.durable
        nextOrdinal = found.nextOrdinal
        former = found.segments
        snapshot = found.snapshot
    }

    /// Makes these batches durable, which follow each other and of which only the first may start a segment.
    ///
    /// - Returns: How long the sync took, in seconds.
    mutating func commit(_ batches: inout [Batch]) throws(FilesError) -> Double {
        guard let first = batches.first, let last = batches.last else { return 0 }
        if first.startsSegment || current == nil { try begin(at: first.first) }
        do throws(FilesError) {
            let seconds = try write(&batches)
            durable = last.last
            return seconds
        } catch {
            close()
            throw error
        }
    }

    private mutating func write(_ batches: inout [Batch]) throws(FilesError) -> Double {
        guard var segment = current else { return 0 }
        var end = segment.offset + batches.reduce(0) { $0 + $1.bytes }
        if policy.reserveBytes > 0, end > segment.reserved {
            segment.reserved = end + policy.reserveBytes
            segment.file.reserve(upTo: segment.reserved)
        }
        end = segment.offset
        for index in batches.indices {
            let frame = batches[index].sealed(durable: durable, salt: segment.salt)
            try segment.file.write(frame)
            end += frame.count
        }
        let start = ContinuousClock.now
        try segment.file.sync()
        segment.offset = end
        current = segment
        return (ContinuousClock.now - start) / .seconds(1)
    }

    /// Begins a segment; the head and the name are durable before the first frame is written.
    private mutating func begin(at first: UInt64) throws(FilesError) {
        close()
        let head = FileHead(kind: .segment, ordinal: nextOrdinal, first: first)
        let name = JournalFormat.segmentName(nextOrdinal)
        nextOrdinal += 1
        do throws(FilesError) {
            let file = try files.create(name)
            try file.write(head.encoded())
            try file.sync()
            try files.syncFolder()
            current = Segment(name: name, file: file, salt: head.salt, first: first, offset: FileHead.bytes)
        } catch {
            // It would hold nothing; whoever finds it takes it for that.
            try? files.remove(name)
            throw error
        }
    }

    /// Ends the segment at what is durable of it.
    mutating func close() {
        guard let segment = current else { return }
        current = nil
        if durable < segment.first {
            try? files.remove(segment.name)
        } else {
            // What follows is reserved room, or was written in vain: a reader passes over it, but it takes up space.
            try? files.truncate(segment.name, to: segment.offset)
            former.append(Recovery.Segment(name: segment.name, end: durable + 1))
        }
    }

    /// A durable snapshot holds all records before `next`: removes what is not needed any more. What cannot be removed
    /// is removed another time.
    mutating func drop(before next: UInt64, for name: String) {
        if durable < next { close() }
        former = former.filter { segment in
            segment.end > next || (try? files.remove(segment.name)) == nil
        }
        if let snapshot, snapshot != name { try? files.remove(snapshot) }
        snapshot = name
    }
}
