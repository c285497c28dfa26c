/// A word as a ``WordReader`` reads it, with its parts.
struct Word {
    private struct Part {
        /// Of the word's bytes.
        var bytes = 0..<0
        /// Of the text.
        var range = 0..<0
    }

    private static let mostParts = 16
    /// The lower case of a character is no longer than this, in UTF-8.
    private static let longestCharacter = 8

    private var bytes = InlineArray<128, UInt8>(repeating: 0)
    private var count = 0
    private var parts = InlineArray<16, Part>(repeating: Part())
    private var partCount = 0

    /// Where the word that begins at `start` ends.
    mutating func read(_ text: Span<UInt8>, from start: Int) -> Int {
        count = 0
        partCount = 0
        var index = start
        var before = WordCharacter.joint
        while index < text.count, count + Self.longestCharacter <= WordReader.longestTerm {
            let (scalar, end) = text.scalar(at: index)
            let character = WordCharacter(scalar)
            if character == before, character != .joint {
                append(scalar)
                index = end
                continue
            }
            switch character {
            case .letter, .digit:
                if before != .joint { close(at: index) }
                guard partCount < Self.mostParts else { return index }
                parts[partCount] = Part(bytes: count..<count, range: index..<index)
                partCount += 1
                before = character
                append(scalar)
            case .mark:
                append(scalar)
            case .joint:
                close(at: index)
                guard goesOn(text, at: end) else { return index }
                append(scalar)
                before = .joint
            case .other where Self.groupsDigits(text, at: index):
                break
            case .other, .ideograph:
                close(at: index)
                return index
            }
            index = end
        }
        if before != .joint { close(at: index) }
        return index
    }

    /// Tells the whole, and its parts if it has several. False: the caller has enough.
    func tell(_ each: (Span<UInt8>, Range<Int>, WordReader.Standing) -> Bool) -> Bool {
        let whole = parts[0].range.lowerBound..<parts[partCount - 1].range.upperBound
        guard each(bytes.span.extracting(0..<parts[partCount - 1].bytes.upperBound), whole, .next) else { return false }
        guard partCount > 1 else { return true }
        for index in 0..<partCount {
            let part = parts[index]
            guard each(bytes.span.extracting(part.bytes), part.range, index == 0 ? .same : .next) else { return false }
        }
        return true
    }

    /// The last part ends before `end`.
    private mutating func close(at end: Int) {
        parts[partCount - 1].bytes = parts[partCount - 1].bytes.lowerBound..<count
        parts[partCount - 1].range = parts[partCount - 1].range.lowerBound..<end
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        let folded = WordCharacter.halfWidth(scalar)
        switch folded.value {
        case 0x41...0x5a: append(byte: UInt8(truncatingIfNeeded: folded.value | 0x20))
        case 0..<0x80: append(byte: UInt8(truncatingIfNeeded: folded.value))
        case 0x2019: append(byte: UInt8(ascii: "'"))
        default: for byte in folded.properties.lowercaseMapping.utf8 { append(byte: byte) }
        }
    }

    private mutating func append(byte: UInt8) {
        bytes[count] = byte
        count += 1
    }

    /// Whether a joint is followed by what it joins: there has to be room for that as a part.
    private func goesOn(_ text: Span<UInt8>, at index: Int) -> Bool {
        guard index < text.count, partCount < Self.mostParts else { return false }
        switch WordCharacter(text.scalar(at: index).scalar) {
        case .letter, .digit: return true
        case .ideograph, .mark, .joint, .other: return false
        }
    }

    /// Whether this is the comma of `10,000`: three digits follow it, and no fourth.
    private static func groupsDigits(_ text: Span<UInt8>, at index: Int) -> Bool {
        func isDigit(_ index: Int) -> Bool { index < text.count && 0x30...0x39 ~= text[index] }
        return text[index] == UInt8(ascii: ",") && isDigit(index - 1)
            && isDigit(index + 1) && isDigit(index + 2) && isDigit(index + 3) && !isDigit(index + 4)
    }
}
