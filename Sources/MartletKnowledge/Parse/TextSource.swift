import CUchardet
import MartletBase
import MartletLogic

/// The text of a file in whatever encoding, as UTF-8 in pieces, with LF for every line end and without a mark at the
/// beginning.
struct TextSource {
    /// What the detector of encodings looks at.
    private static let sampleBytes = 1 << 20

    let encoding: String
    private let file: DocumentFile
    private let reading: Reading
    private let start: Int

    /// Finds the encoding: the first of the likely ones that all of the file is in.
    ///
    /// - Parameter declared: what the file itself says, found in its first bytes.
    init(_ file: DocumentFile, _ reading: Reading, declared: (ArraySlice<UInt8>) -> String? = { _ in nil }) throws {
        self.file = file
        self.reading = reading
        let sample = try file.read(at: 0, count: Self.sampleBytes)
        let mark = TextEncoding.mark(sample[...])
        start = mark?.bytes ?? 0
        if !sample.contains(0), try Self.isAll("UTF-8", of: file, from: 0) {
            encoding = "UTF-8"
            return
        }
        let candidates = TextEncoding.candidates(
            sample[...], declared: declared(sample[...]), guessed: Self.guess(sample))
        guard !candidates.isEmpty else { throw reading.unreadable("it is no text, nor any other document we know") }
        guard let encoding = try candidates.first(where: { [start] in try Self.isAll($0, of: file, from: start) })
        else {
            let tried = candidates.joined(separator: ", ")
            throw reading.unreadable("its text is in no encoding that was tried (\(tried))")
        }
        self.encoding = encoding
    }

    /// All of the text.
    func each(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
        guard let converter = TextConverter(from: encoding) else { throw undecodable }
        var afterReturn = false
        var lines: [UInt8] = []
        do {
            try file.eachChunk(from: start) { chunk in
                try converter.convert(chunk) { piece in
                    guard afterReturn || piece.contains(0x0d) else { return try body(piece) }
                    lines.removeAll(keepingCapacity: true)
                    for byte in piece {
                        if byte != 0x0a || !afterReturn { lines.append(byte == 0x0d ? 0x0a : byte) }
                        afterReturn = byte == 0x0d
                    }
                    try body(lines[...])
                }
            }
            try converter.finish()
        } catch is TextConverter.NotOfIt {
            throw undecodable
        }
    }

    /// Its beginning.
    func head() throws -> [UInt8] {
        guard let converter = TextConverter(from: encoding) else { throw undecodable }
        var head: [UInt8] = []
        try converter.convert(file.read(at: start, count: DocumentFile.chunkBytes)[...]) { head += $0 }
        return head
    }

    /// All of the text at once.
    func whole() throws -> [UInt8] {
        guard file.size <= reading.limits.wholeBytes else {
            throw reading.tooLarge("it is larger than \(ByteCount.text(reading.limits.wholeBytes))")
        }
        var text: [UInt8] = []
        text.reserveCapacity(file.size * 2)
        try each { text += $0 }
        return text
    }

    /// The file changed since it was looked at.
    private var undecodable: KnowledgeError { reading.unreadable("its text is not \(encoding)") }

    private static func isAll(_ name: String, of file: DocumentFile, from start: Int) throws -> Bool {
        guard let converter = TextConverter(from: name) else { return false }
        do {
            try file.eachChunk(from: start) { try converter.convert($0) { _ in } }
            try converter.finish()
            return true
        } catch is TextConverter.NotOfIt {
            return false
        }
    }

    /// What the detector says; nil: nothing.
    private static func guess(_ sample: [UInt8]) -> String? {
        guard let detector = unsafe uchardet_new() else { return nil }  // SAFETY: given back below.
        // SAFETY: made above, given back once; its name lives as long and is copied.
        defer { unsafe uchardet_delete(detector) }
        let code = unsafe sample.withUnsafeBytes { bytes in
            // SAFETY: as many bytes as there are.
            unsafe uchardet_handle_data(detector, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
        }
        guard code == 0 else { return nil }
        // SAFETY: as above.
        unsafe uchardet_data_end(detector)
        let name = unsafe String(cString: uchardet_get_charset(detector))
        return name.isEmpty ? nil : name
    }
}
