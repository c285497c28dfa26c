import NIOCore

/// One event of a stream as bytes, with room for its number and its time of sending: making an event is a copy and a
/// few digits.
struct EventTemplate {
    /// Chunk head, event, chunk end.
    private let bytes: ByteBuffer
    private let payload: Range<Int>
    private let numberOffset: Int
    private let timeOffset: Int

    /// `event` has a run of at least eight blanks where the number goes and a run of twenty where the time goes.
    init(before: String, between: String, after: String) {
        let blanks = String(repeating: " ", count: 20)
        let text = before + blanks.prefix(8) + between + blanks + after
        let chunk = ChunkText.chunk(text)
        let start = chunk.utf8.count - 2 - text.utf8.count
        bytes = ByteBuffer(string: chunk)
        payload = start..<start + text.utf8.count
        numberOffset = start + before.utf8.count
        timeOffset = numberOffset + 8 + between.utf8.count
    }

    var length: Int { bytes.readableBytes }

    /// Appends the event; as a chunk, or bare for HTTP/1.0.
    func write(number: Int, nanoseconds: UInt64, chunked: Bool, into buffer: inout ByteBuffer) {
        let range = chunked ? 0..<bytes.readableBytes : payload
        let start = buffer.writerIndex - range.lowerBound
        guard let slice = bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) else { return }
        buffer.writeImmutableBuffer(slice)
        Self.setDecimal(UInt64(clamping: number) % 100_000_000, at: start + numberOffset, in: &buffer)
        Self.setDecimal(nanoseconds, at: start + timeOffset, in: &buffer)
    }

    private static func setDecimal(_ value: UInt64, at index: Int, in buffer: inout ByteBuffer) {
        var width = 1
        var bound: UInt64 = 10
        while width < 19, value >= bound {
            width += 1
            bound *= 10
        }
        var rest = value
        for place in stride(from: index + width - 1, through: index, by: -1) {
            buffer.setInteger(UInt8(ascii: "0") + UInt8(rest % 10), at: place)
            rest /= 10
        }
    }
}

/// Chunked framing of texts that are known beforehand.
enum ChunkText {
    static func chunk(_ text: String) -> String {
        String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n"
    }
}
