/// What a command answers, before it is written as RESP2 or RESP3.
public indirect enum Answer: Sendable, Equatable {
    /// A status such as `OK`.
    case simple(String)
    case integer(Int64)
    /// RESP2: a bulk string.
    case double(Double)
    case bulk(Bytes)
    /// RESP2: `$-1`.
    case null
    /// RESP2: `*-1`; RESP3: the same null as `null`.
    case nullArray
    case array([Answer])
    /// RESP2: one array, key and value by turns.
    case map([Pair])
    /// RESP2: one array, first and second by turns; RESP3: an array of arrays of two (sorted sets with their scores).
    case pairs([Pair])
    /// RESP2: an array.
    case set([Answer])
    /// RESP2: the integers 1 and 0.
    case boolean(Bool)
    /// A refusal: written `-CODE TEXT`. Its text never holds a line break.
    case error(code: String, text: String)

    public struct Pair: Sendable, Equatable {
        public var first: Answer
        public var second: Answer

        public init(_ first: Answer, _ second: Answer) {
            self.first = first
            self.second = second
        }
    }

    public static let ok = Answer.simple("OK")

    public var isError: Bool {
        if case .error = self { true } else { false }
    }
}
