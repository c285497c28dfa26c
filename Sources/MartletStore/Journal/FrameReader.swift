/// One frame, found whole.
struct Frame {
    var head: FrameHead
    /// Where it begins in its file.
    var offset: Int
    var payload: [UInt8]

    /// The records with the place of each in the file. Nil: they are not what the head says.
    func records() -> [(offset: Int, bytes: [UInt8])]? {
        var found: [(offset: Int, bytes: [UInt8])] = []
        var start = 0
        while start < payload.count {
            guard start + JournalFormat.lengthBytes <= payload.count else { return nil }
            let end = start + JournalFormat.lengthBytes + Int(payload.span.number32(at: start))
            guard end <= payload.count else { return nil }
            found.append((offset + FrameHead.bytes + start, Array(payload[(start + JournalFormat.lengthBytes)..<end])))
            start = end
        }
        return found.count == head.records ? found : nil
    }
}

/// Reads a segment or a snapshot from its start, in large pieces.
struct FrameReader {
    private static let windowBytes = 1 << 20

    let name: String
    /// Nil: the file has none.
    let head: FileHead?
    /// Where the next frame begins: all before is whole.
    private(set) var offset = FileHead.bytes
    private let file: any ReadableFile
    private var window: [UInt8] = []
    private var windowStart = 0

    init(_ files: any Files, _ name: String, _ kind: FileHead.Kind) throws(FilesError) {
        self.name = name
        file = try files.read(name)
        head = FileHead(try file.read(at: 0, count: FileHead.bytes), kind: kind)
    }

    /// In bytes.
    var size: Int { file.size }

    /// The frame at `offset`; nil: there is none, or not the whole of it.
    mutating func next() throws(FilesError) -> Frame? {
        guard let salt = head?.salt else { return nil }
        let headBytes = try bytes(at: offset, count: FrameHead.bytes)
        guard let frameHead = FrameHead(headBytes.span, salt: salt) else { return nil }
        let start = offset + FrameHead.bytes
        guard frameHead.payloadBytes <= size - start else { return nil }
        let payload = try bytes(at: start, count: frameHead.payloadBytes)
        guard payload.count == frameHead.payloadBytes,
            payload.span.checksum(salt: salt) == frameHead.payloadChecksum
        else { return nil }
        defer { offset = start + payload.count }
        return Frame(head: frameHead, offset: offset, payload: payload)
    }

    /// Whether anything but zeros follows.
    mutating func hasMore() throws(FilesError) -> Bool {
        var place = offset
        while place < size {
            let piece = try bytes(at: place, count: min(size - place, Self.windowBytes))
            if piece.isEmpty || piece.contains(where: { $0 != 0 }) { return !piece.isEmpty }
            place += piece.count
        }
        return false
    }

    /// Whether a frame behind `offset` was written after `sequence` had been acknowledged.
    mutating func knowsDurable(_ sequence: UInt64) throws(FilesError) -> Bool {
        guard let salt = head?.salt else { return false }
        var place = offset
        while place + FrameHead.bytes <= size {
            let piece = try bytes(at: place, count: min(size - place, Self.windowBytes))
            guard piece.count >= FrameHead.bytes else { return false }
            for start in 0...(piece.count - FrameHead.bytes) where piece[start] == UInt8(ascii: "M") {
                let bytes = piece.span.extracting(start..<(start + FrameHead.bytes))
                if let found = FrameHead(bytes, salt: salt), found.durable >= sequence { return true }
            }
            place += piece.count - FrameHead.bytes + 1
        }
        return false
    }

    /// Fewer at the end of the file.
    private mutating func bytes(at place: Int, count: Int) throws(FilesError) -> [UInt8] {
        if place < windowStart || place + count > windowStart + window.count {
            window = try file.read(at: place, count: max(count, Self.windowBytes))
            windowStart = place
        }
        let start = place - windowStart
        return Array(window[start..<min(start + count, window.count)])
    }
}
