/// Finds where complete events end in a stream of server-sent events, so that a relay can pass on whole events and
/// hold the tail. Lines may end in LF, CR or CRLF, mixed; it resumes at any byte.
public struct EventBoundary: Sendable {
    private enum State {
        /// Inside a line.
        case line
        /// At the start of a line.
        case lineStart
        /// Behind a CR that ended a line with content: an LF belongs to it.
        case lineReturn
        /// Behind a CR that ended an empty line, and with it an event: an LF belongs to it.
        case eventReturn
    }

    private var state = State.lineStart
    /// How much of a byte order mark has been seen; 3 when none can follow any more.
    private var markCount = 0

    /// Whether the bytes so far end with a complete event, or are none: nothing is held back.
    public private(set) var isAtBoundary = true

    public init() {}

    /// Reads the next bytes of the stream.
    ///
    /// - Returns: how many leading bytes of `bytes` complete an event (the last of them, if several end here); 0 if
    ///   none does.
    public mutating func scan(_ bytes: Span<UInt8>) -> Int {
        if markCount == 3, endsInEmptyLine(bytes) {
            state = .lineStart
            isAtBoundary = true
            return bytes.count
        }
        var complete = 0
        var index = skipMark(bytes)
        while index < bytes.count {
            if state == .line { index = Self.lineEnd(bytes, from: index) }
            guard index < bytes.count else { break }
            let endsEvent = step(bytes[index])
            index += 1
            if endsEvent { complete = index }
        }
        if !bytes.isEmpty { isAtBoundary = complete == bytes.count }
        return complete
    }

    /// The common case: the bytes end in an empty line, whatever comes before it.
    @inline(__always)
    private func endsInEmptyLine(_ bytes: Span<UInt8>) -> Bool {
        let count = bytes.count
        guard count >= 4, bytes[count - 1] == Characters.lineFeed else { return false }
        if bytes[count - 2] == Characters.lineFeed { return true }
        return bytes[count - 2] == Characters.carriageReturn && bytes[count - 3] == Characters.lineFeed
    }

    /// Takes one byte; true when an event is complete with it.
    @inline(__always)
    private mutating func step(_ byte: UInt8) -> Bool {
        switch (byte, state) {
        case (Characters.lineFeed, .line), (Characters.lineFeed, .lineReturn):
            state = .lineStart
            return false
        case (Characters.lineFeed, .lineStart), (Characters.lineFeed, .eventReturn):
            state = .lineStart
            return true
        case (Characters.carriageReturn, .line):
            state = .lineReturn
            return false
        case (Characters.carriageReturn, .lineStart), (Characters.carriageReturn, .lineReturn),
            (Characters.carriageReturn, .eventReturn):
            state = .eventReturn
            return true
        default:
            state = .line
            return false
        }
    }

    /// A byte order mark at the start of the stream is not part of the first line.
    private mutating func skipMark(_ bytes: Span<UInt8>) -> Int {
        var index = 0
        while markCount < 3, index < bytes.count {
            let expected: UInt8 = markCount == 0 ? 0xef : markCount == 1 ? 0xbb : 0xbf
            guard bytes[index] == expected else {
                if markCount > 0 { state = .line }
                markCount = 3
                return index
            }
            markCount += 1
            index += 1
        }
        return index
    }

    /// The next LF or CR.
    @inline(__always)
    private static func lineEnd(_ bytes: Span<UInt8>, from: Int) -> Int {
        var index = from
        while index + Word.width <= bytes.count {
            let word = Word.load(bytes, at: index)
            let mask = Word.matches(word, Characters.lineFeed) | Word.matches(word, Characters.carriageReturn)
            if mask != 0 { return index + Word.first(mask) }
            index += Word.width
        }
        while index < bytes.count, bytes[index] != Characters.lineFeed, bytes[index] != Characters.carriageReturn {
            index += 1
        }
        return index
    }
}
