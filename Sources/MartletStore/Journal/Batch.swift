/// Records that are written as one frame.
struct Batch: Sendable {
    /// The sequence of the first record.
    private(set) var first: UInt64
    /// A snapshot holds all that came before: these records begin a new segment.
    private(set) var startsSegment: Bool
    private(set) var records = 0
    /// The frame as it will be written; its head is filled in when it is.
    private var frame = [UInt8](repeating: 0, count: FrameHead.bytes)

    init(first: UInt64, startsSegment: Bool = false) {
        self.first = first
        self.startsSegment = startsSegment
    }

    /// What it needs, in bytes.
    var memory: Int { frame.capacity }

    /// Begins anew in the same memory.
    mutating func restart(first: UInt64, startsSegment: Bool) {
        (self.first, self.startsSegment, records) = (first, startsSegment, 0)
        frame.removeSubrange(FrameHead.bytes...)
    }

    /// The sequence of the last record.
    var last: UInt64 { first + UInt64(records) - 1 }

    /// With the head.
    var bytes: Int { frame.count }

    /// Of the records alone.
    var recordBytes: Int { frame.count - FrameHead.bytes - records * JournalFormat.lengthBytes }

    func hasRoom(for record: [UInt8], within bytes: Int) -> Bool {
        frame.count + JournalFormat.lengthBytes + record.count <= bytes
    }

    mutating func append(_ record: [UInt8]) {
        frame.append(UInt32(truncatingIfNeeded: record.count))
        frame.append(contentsOf: record)
        records += 1
    }

    /// The whole frame.
    mutating func sealed(durable: UInt64, salt: UInt64) -> [UInt8] {
        frame.replaceSubrange(..<FrameHead.bytes, with: head(durable: durable, salt: salt).encoded(salt: salt))
        return frame
    }

    private func head(durable: UInt64, salt: UInt64) -> FrameHead {
        let payload = frame.span.extracting(FrameHead.bytes..<frame.count)
        return FrameHead(
            payloadBytes: payload.count, records: records, first: first, durable: durable,
            payloadChecksum: payload.checksum(salt: salt))
    }
}
