/// How the journal's files look, in little-endian numbers.
///
/// ```
/// segment    head, then frames, then zeros that were reserved or nothing
/// snapshot   head, then frames, then a frame without records that tells how many there were
/// head       "MARTLETJ" or "MARTLETS"  version:4  ordinal:8  salt:8  first:8  checksum:4
/// frame      "MJF1"  bytes:4  records:4  first:8  durable:8  checksum of the payload:4  checksum of the above:4
/// payload    for each record  length:4  bytes
/// ```
///
/// What one sync covers are one or more frames. A frame is there as a whole or it is not there. It says which records
/// were durable when it was written: from that a reader tells a frame that was never acknowledged, because the crash
/// came first, from one that was and then was damaged. Both its checksums include the file's salt, a random number, so
/// that neither a piece of another file nor bytes that somebody stored on purpose can be taken for a frame. The head is
/// synced before the first frame is written.
enum JournalFormat {
    static let version: UInt32 = 1
    /// The longest record, in bytes; lengths have 32 bits.
    static let recordBytes = 1 << 30
    /// Before the bytes of each record.
    static let lengthBytes = 4

    static func segmentName(_ ordinal: UInt64) -> String { "journal-" + hex(ordinal) }
    static func snapshotName(_ next: UInt64) -> String { "snapshot-" + hex(next) }
    /// A snapshot under this name is not finished.
    static func partialName(_ next: UInt64) -> String { snapshotName(next) + partialSuffix }
    static let partialSuffix = ".partial"

    static func segmentOrdinal(_ name: String) -> UInt64? { number(name, after: "journal-") }
    static func snapshotNext(_ name: String) -> UInt64? { number(name, after: "snapshot-") }

    /// Whether a file of that name holds records.
    static func isOurs(_ name: String) -> Bool { segmentOrdinal(name) != nil || snapshotNext(name) != nil }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func number(_ name: String, after prefix: String) -> UInt64? {
        guard name.hasPrefix(prefix), name.utf8.count == prefix.utf8.count + 16 else { return nil }
        return UInt64(name.dropFirst(prefix.count), radix: 16)
    }
}

/// The first bytes of a file.
struct FileHead: Equatable {
    enum Kind: String {
        case segment = "MARTLETJ"
        case snapshot = "MARTLETS"
    }

    static let bytes = 40

    var kind: Kind
    /// Of a snapshot, the same as `first`.
    var ordinal: UInt64
    /// What the checksums of the file's frames begin with.
    var salt = UInt64.random(in: .min ... .max)
    /// Of a segment, the sequence of its first record; of a snapshot, of the first record that it does not hold.
    var first: UInt64

    func encoded() -> [UInt8] {
        var bytes = Array(kind.rawValue.utf8)
        bytes.append(JournalFormat.version)
        bytes.append(ordinal)
        bytes.append(salt)
        bytes.append(first)
        bytes.append(bytes.span.checksum(salt: 0))
        return bytes
    }

    /// Nil when these bytes are no head, or one of another version.
    init?(_ bytes: [UInt8], kind: Kind) {
        guard bytes.count == Self.bytes, bytes.starts(with: kind.rawValue.utf8),
            bytes.span.number32(at: 8) == JournalFormat.version,
            bytes.span.number32(at: 36) == bytes.span.extracting(0..<36).checksum(salt: 0)
        else { return nil }
        self.kind = kind
        ordinal = bytes.span.number64(at: 12)
        salt = bytes.span.number64(at: 20)
        first = bytes.span.number64(at: 28)
    }

    init(kind: Kind, ordinal: UInt64, first: UInt64) {
        (self.kind, self.ordinal, self.first) = (kind, ordinal, first)
    }
}

/// What stands before the records of a frame.
struct FrameHead: Equatable {
    static let bytes = 36
    static let magic: UInt32 = 0x3146_4a4d

    var payloadBytes: Int
    var records: Int
    /// The sequence of the first record.
    var first: UInt64
    /// All records up to this one were durable before the frame was written.
    var durable: UInt64
    var payloadChecksum: UInt32

    func encoded(salt: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(Self.magic)
        bytes.append(UInt32(truncatingIfNeeded: payloadBytes))
        bytes.append(UInt32(truncatingIfNeeded: records))
        bytes.append(first)
        bytes.append(durable)
        bytes.append(payloadChecksum)
        bytes.append(bytes.span.checksum(salt: salt))
        return bytes
    }

    /// Nil when these bytes are not the head of a frame of this file.
    init?(_ bytes: Span<UInt8>, salt: UInt64) {
        guard bytes.count == Self.bytes, bytes.number32(at: 0) == Self.magic,
            bytes.number32(at: 32) == bytes.extracting(0..<32).checksum(salt: salt)
        else { return nil }
        payloadBytes = Int(bytes.number32(at: 4))
        records = Int(bytes.number32(at: 8))
        first = bytes.number64(at: 12)
        durable = bytes.number64(at: 20)
        payloadChecksum = bytes.number32(at: 28)
    }

    init(payloadBytes: Int, records: Int, first: UInt64, durable: UInt64, payloadChecksum: UInt32) {
        (self.payloadBytes, self.records, self.first) = (payloadBytes, records, first)
        (self.durable, self.payloadChecksum) = (durable, payloadChecksum)
    }
}

extension [UInt8] {
    mutating func append(_ value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    mutating func append(_ value: UInt64) {
        append(UInt32(truncatingIfNeeded: value))
        append(UInt32(truncatingIfNeeded: value >> 32))
    }
}

extension Span<UInt8> {
    func number32(at offset: Int) -> UInt32 {
        UInt32(self[offset]) | UInt32(self[offset + 1]) << 8 | UInt32(self[offset + 2]) << 16
            | UInt32(self[offset + 3]) << 24
    }

    func number64(at offset: Int) -> UInt64 {
        UInt64(number32(at: offset)) | UInt64(number32(at: offset + 4)) << 32
    }

    func checksum(salt: UInt64) -> UInt32 {
        var checksum = CRC32C()
        checksum.add(salt)
        checksum.add(self)
        return checksum.value
    }
}
