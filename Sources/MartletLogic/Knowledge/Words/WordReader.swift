/// Reads a text as the terms that it is searched by: the same for a document and for a question.
///
/// - Chinese, Japanese and Korean: each two neighbouring characters are a term (`年假政策`: 年假, 假政, 政策), and in a
///   document the last of a run by itself. So each character begins a term, and a question of a single one is answered
///   by what begins with it. A line break within a run does not end it: PDF text breaks lines anywhere.
/// - Others: words in lower case. What holds letters, digits and joints (`ISO-9001`, `v1.2.3`, `foo_bar`, `2.5GB`) is a
///   term as a whole, and each of its parts is one too. `10,000` is `10000`.
///
/// Full-width ASCII is read as ASCII. Other variants (compatibility forms, traditional characters) are made alike by
/// the caller, in text and question. Bytes that are not UTF-8 are read as blanks. Allocates nothing.
public struct WordReader: Sendable {
    public enum Use: Sendable {
        case document, query
    }

    /// Where a term stands.
    public enum Standing: Sendable, Equatable {
        /// After the term before it.
        case next
        /// With the term before it: the first part of the whole that was just read.
        case same
        /// After the term before it, in a query only: any term that begins with it is meant.
        case beginning
    }

    public init() {}

    /// - Parameters:
    ///   - text: UTF-8.
    ///   - each: Called in reading order with the term, in UTF-8, of at most ``longestTerm`` bytes; the bytes of `text`
    ///     that it was read from; and where it stands. The term is gone when `each` returns; false: reads no further.
    public func read(
        _ text: Span<UInt8>, as use: Use,
        _ each: (_ term: Span<UInt8>, _ range: Range<Int>, _ standing: Standing) -> Bool
    ) {
        var index = 0
        var word = Word()
        while index < text.count {
            let (scalar, end) = text.scalar(at: index)
            switch WordCharacter(scalar) {
            case .ideograph:
                guard let next = readRun(text, from: index, as: use, each) else { return }
                index = next
            case .letter, .digit:
                index = word.read(text, from: index)
                guard word.tell(each) else { return }
            case .mark, .joint, .other:
                index = end
            }
        }
    }

    /// A longer word is read as several.
    public static let longestTerm = 128

    /// Where the run that begins at `start` ends; nil: the caller has enough.
    private func readRun(
        _ text: Span<UInt8>, from start: Int, as use: Use, _ each: (Span<UInt8>, Range<Int>, Standing) -> Bool
    ) -> Int? {
        var pair = Pair()
        var first = start..<text.scalar(at: start).end
        var isAlone = true
        while let second = Self.ideograph(text, after: first.upperBound) {
            let both = first.lowerBound..<second.upperBound
            let isBroken = first.upperBound < second.lowerBound
            guard isBroken ? pair.tell(text, first, second, each) : each(text.extracting(both), both, .next) else {
                return nil
            }
            first = second
            isAlone = false
        }
        switch use {
        case .document:
            guard each(text.extracting(first), first, .next) else { return nil }
        case .query:
            guard !isAlone || each(text.extracting(first), first, .beginning) else { return nil }
        }
        return first.upperBound
    }

    /// The bytes of the ideograph that follows: at once, or after one line break with blanks around it.
    private static func ideograph(_ text: Span<UInt8>, after start: Int) -> Range<Int>? {
        var index = start
        var breaks = 0
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "\n"): breaks += 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
            case 0xe0...0xff:
                guard index == start || breaks == 1 else { return nil }
                let (scalar, end) = text.scalar(at: index)
                return WordCharacter(scalar) == .ideograph ? index..<end : nil
            default: return nil
            }
            guard breaks < 2 else { return nil }
            index += 1
        }
        return nil
    }
}

/// Two ideographs that a line break parts.
private struct Pair {
    private var bytes = InlineArray<8, UInt8>(repeating: 0)

    mutating func tell(
        _ text: Span<UInt8>, _ first: Range<Int>, _ second: Range<Int>,
        _ each: (Span<UInt8>, Range<Int>, WordReader.Standing) -> Bool
    ) -> Bool {
        for index in first { bytes[index - first.lowerBound] = text[index] }
        for index in second { bytes[first.count + index - second.lowerBound] = text[index] }
        let term = bytes.span.extracting(0..<first.count + second.count)
        return each(term, first.lowerBound..<second.upperBound, .next)
    }
}
