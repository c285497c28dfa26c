import CZlib
import MartletBase
import MartletLogic

/// The entries of a ZIP archive, unpacked one at a time in pieces. Their names are names only: nothing is ever written
/// or opened by them.
final class ZipArchive {
    fileprivate struct Entry {
        var method: UInt16
        var checksum: UInt32
        var packed: Int
        var unpacked: Int
        var offset: Int
    }

    /// Of a megabyte nobody minds how small it was.
    private static let freeBytes = 1 << 20

    private let file: DocumentFile
    private let reading: Reading
    private var entries: [String: Entry] = [:]
    private var unpackedBytes = 0

    /// Reads the list of entries.
    init(_ file: DocumentFile, _ reading: Reading) throws {
        self.file = file
        self.reading = reading
        try readDirectory()
    }

    var names: Set<String> { Set(entries.keys) }

    func contains(_ name: String) -> Bool { entries[name] != nil }

    /// An entry that has to be there.
    ///
    /// - Parameters:
    ///   - limit: Of its bytes, unpacked: more are `tooLarge`.
    ///   - body: gets its bytes, in pieces; their checksum was not looked at yet.
    func unpack(_ name: String, atMost limit: Int = .max, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        guard let entry = entries[name] else { throw damaged("its part \(Self.shown(name)) is missing") }
        var inflater: Inflater?
        switch entry.method {
        case 0: break
        case 8: inflater = try Inflater()
        default: throw damaged("its part \(Self.shown(name)) is packed in a way we do not know")
        }
        var checksum: UInt = 0
        var count = 0
        func take(_ piece: ArraySlice<UInt8>) throws {
            count += piece.count
            guard count <= limit else {
                throw reading.tooLarge("its part \(Self.shown(name)) is larger than \(ByteCount.text(limit))")
            }
            try account(piece.count, of: name, so: count, from: entry.packed)
            checksum = Self.checksum(checksum, piece)
            try body(piece)
        }
        do {
            try eachPacked(entry) { packed in
                if let inflater { try inflater.take(packed, take) } else { try take(packed[...]) }
            }
        } catch is Inflater.Damaged {
            throw damaged("its part \(Self.shown(name)) is damaged")
        }
        guard inflater?.isFinished ?? true, checksum == UInt(entry.checksum) else {
            throw damaged("its part \(Self.shown(name)) is damaged")
        }
    }

    /// A small entry at once.
    func bytes(_ name: String, atMost limit: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try unpack(name, atMost: limit) { bytes += $0 }
        return bytes
    }

    private func account(_ bytes: Int, of name: String, so far: Int, from packed: Int) throws {
        unpackedBytes += bytes
        guard unpackedBytes <= reading.limits.unpackedBytes else {
            throw reading.tooLarge("it unpacks to more than \(ByteCount.text(reading.limits.unpackedBytes))")
        }
        guard far <= Self.freeBytes || far <= packed * reading.limits.unpackingRatio else {
            throw reading.tooLarge(
                "its part \(Self.shown(name)) unpacks to more than \(reading.limits.unpackingRatio) times its size")
        }
    }

    // MARK: The format

    private func eachPacked(_ entry: Entry, _ body: ([UInt8]) throws -> Void) throws {
        let head = try file.read(at: entry.offset, count: 30)
        guard head.count == 30, head.number(0, 4) == 0x0403_4b50 else { throw damaged("it is damaged") }
        var offset = entry.offset + 30 + head.number(26, 2) + head.number(28, 2)
        let end = offset + entry.packed
        guard end <= file.size else { throw damaged("it is cut off") }
        while offset < end {
            let chunk = try file.read(at: offset, count: min(DocumentFile.chunkBytes, end - offset))
            offset += chunk.count
            try body(chunk)
        }
    }

    private func readDirectory() throws {
        // The end record has a comment of up to 64 KiB behind it.
        let tailStart = max(0, file.size - 65_557)
        let tail = try file.read(at: tailStart, count: 65_557)
        let place = stride(from: tail.count - 22, through: 0, by: -1).first { tail.number($0, 4) == 0x0605_4b50 }
        guard let end = place else { throw damaged("it is cut off") }
        let (count, size, offset) = (tail.number(end + 10, 2), tail.number(end + 12, 4), tail.number(end + 16, 4))
        guard count <= reading.limits.archiveEntries else {
            throw reading.tooLarge("it has more than \(reading.limits.archiveEntries) parts")
        }
        guard offset + size <= tailStart + end else { throw damaged("it is damaged") }
        guard size <= reading.limits.wholeBytes else {
            throw reading.tooLarge("the list of its parts is larger than \(ByteCount.text(reading.limits.wholeBytes))")
        }
        let directory = try file.read(at: offset, count: size)
        var index = 0
        for _ in 0..<count {
            guard index + 46 <= directory.count, directory.number(index, 4) == 0x0201_4b50 else {
                throw damaged("it is damaged")
            }
            let nameEnd = index + 46 + directory.number(index + 28, 2)
            let extraEnd = nameEnd + directory.number(index + 30, 2)
            let next = extraEnd + directory.number(index + 32, 2)
            guard next <= directory.count else { throw damaged("it is damaged") }
            guard directory.number(index + 8, 2) & 1 == 0 else { throw damaged("it is encrypted") }
            let name = String(decoding: directory[(index + 46)..<nameEnd], as: UTF8.self)
            var entry = Entry(
                method: UInt16(directory.number(index + 10, 2)), checksum: UInt32(directory.number(index + 16, 4)),
                packed: directory.number(index + 20, 4), unpacked: directory.number(index + 24, 4),
                offset: directory.number(index + 42, 4))
            entry.widen(by: directory[nameEnd..<extraEnd])
            guard entry.packed >= 0, entry.offset >= 0, entry.packed <= file.size, entry.offset <= file.size else {
                throw damaged("it is damaged")
            }
            entries[name] = entry
            index = next
        }
    }

    private func damaged(_ reason: String) -> KnowledgeError { reading.unreadable(reason) }

    private static func checksum(_ so: UInt, _ piece: ArraySlice<UInt8>) -> UInt {
        // SAFETY: as many bytes as there are.
        unsafe piece.withUnsafeBufferPointer { unsafe crc32(so, $0.baseAddress, UInt32(clamping: $0.count)) }
    }

    /// A name from outside, fit for a sentence.
    private static func shown(_ name: String) -> String {
        String(name.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7f ? "?" : Character($0) })
    }
}

extension ZipArchive.Entry {
    /// Sizes that do not fit in 32 bits stand apart (ZIP64), in this order, where the plain ones are all ones.
    fileprivate mutating func widen(by extra: ArraySlice<UInt8>) {
        var rest = extra
        while rest.count >= 4 {
            let (kind, length) = (rest.number(0, 2), rest.number(2, 2))
            guard rest.count >= 4 + length else { return }
            if kind == 1 {
                var body = rest.dropFirst(4).prefix(length)
                for field in [\Self.unpacked, \.packed, \.offset] where self[keyPath: field] == 0xffff_ffff {
                    guard body.count >= 8 else { return }
                    self[keyPath: field] = body.number(0, 8)
                    body = body.dropFirst(8)
                }
                return
            }
            rest = rest.dropFirst(4 + length)
        }
    }
}

extension RandomAccessCollection<UInt8> where Index == Int {
    /// A number of so many bytes, the lowest first; negative where it does not fit.
    fileprivate func number(_ offset: Int, _ bytes: Int) -> Int {
        (0..<bytes).reduce(0) { $0 | Int(self[startIndex + offset + $1]) << ($1 * 8) }
    }
}
