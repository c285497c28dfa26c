/// What a relay notes about an OpenAI-shaped stream as it passes: whether its terminal marker has been seen, and
/// the usage it stated last. Feed it whole events (see ``EventBoundary``).
public struct StreamMarks: Sendable {
    /// `data: [DONE]` has passed.
    public private(set) var isDone = false
    /// The last usage in the stream.
    public private(set) var usage: TokenUsage?

    public init() {}

    /// Reads one or more complete events. Events without either mark cost one look at each word.
    public mutating func read(_ events: Span<UInt8>) {
        if !isDone { isDone = Self.containsDone(events) }
        guard let start = Self.usageKey(events) else { return }
        var scanner = UsageScanner()
        scanner.feed(events.extracting(start..<events.count))
        if let found = scanner.usage { usage = found }
    }

    /// Whether a line is `data: [DONE]`.
    private static func containsDone(_ bytes: Span<UInt8>) -> Bool {
        var from = 0
        // "[D"
        while let place = Word.index(of: 0x5b, then: 0x44, in: bytes, from: from, to: bytes.count) {
            if isDoneLine(bytes, at: place) { return true }
            from = place + 2
        }
        return false
    }

    private static func isDoneLine(_ bytes: Span<UInt8>, at bracket: Int) -> Bool {
        guard bracket + 6 <= bytes.count, Characters.equals(bytes, bracket..<bracket + 6, "[DONE]") else {
            return false
        }
        if bracket + 6 < bytes.count, !isLineEnd(bytes[bracket + 6]) { return false }
        let blank = bracket > 0 && bytes[bracket - 1] == Characters.space ? 1 : 0
        let start = bracket - blank - 5
        guard start >= 0, Characters.equals(bytes, start..<start + 5, "data:") else { return false }
        return start == 0 || isLineEnd(bytes[start - 1])
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool {
        byte == Characters.lineFeed || byte == Characters.carriageReturn
    }

    /// Where the first `"us` with what can be the key begins; nil in nearly every event.
    private static func usageKey(_ bytes: Span<UInt8>) -> Int? {
        var from = 0
        while let place = Word.index(of: 0x22, then: 0x75, in: bytes, from: from, to: bytes.count) {
            if place + 7 <= bytes.count, Characters.equals(bytes, place..<place + 7, "\"usage\""),
                place == 0 || bytes[place - 1] != 0x5c
            {
                return place
            }
            from = place + 1
        }
        return nil
    }
}
