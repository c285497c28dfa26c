import MartletBase
import NIOCore

/// What came of a stream so far, told at most so often: whoever looks now and then misses nothing.
struct StreamedText {
    /// Bytes; of a longer stream its beginning is told. The result has it all.
    private static let bound = 64 << 10
    private static let interval: Duration = .milliseconds(100)

    private var bytes: [UInt8] = []
    private var told = 0
    private var next: Instant?

    /// What is to be told now; nil: nothing.
    mutating func add(_ piece: ByteBuffer, now: Instant) -> String? {
        bytes += piece.readableBytesView.prefix(Self.bound - bytes.count)
        guard next.map({ now >= $0 }) ?? true, let text = rest() else { return nil }
        next = now + Self.interval
        return text
    }

    /// At the end: what is to be told yet.
    mutating func rest() -> String? {
        let whole = bytes.count - cut
        guard whole > told else { return nil }
        told = whole
        return String(decoding: bytes[..<whole], as: UTF8.self)
    }

    /// Bytes at the end that are the beginning of a character.
    private var cut: Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            guard byte & 0xc0 != 0x80 else { continue }
            let length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
            return length > back ? back : 0
        }
        return 0
    }
}
