import NIOCore

/// Takes a command apart that somebody typed: words between blanks, with quotes.
///
/// In double quotes `\n`, `\r`, `\t`, `\b`, `\a`, `\xHH` and a backslash before anything else mean what they mean in C;
/// in single quotes only `\'` does. A quote that is closed must be followed by a blank or the end.
struct RESPInlineCommand {
    private enum Quote {
        case none, single, double
    }

    private var words = ByteBuffer()
    private var ends: [Int] = []

    /// The words of the line; nil: its quotes do not match.
    static func words(_ line: Span<UInt8>) -> [ByteBuffer]? {
        var command = RESPInlineCommand()
        var index = 0
        while true {
            while index < line.count, isBlank(line[index]) { index += 1 }
            guard index < line.count else { return command.split() }
            guard let end = command.readWord(line, from: index) else { return nil }
            index = end
        }
    }

    /// Where the word ends; nil: it does not.
    private mutating func readWord(_ line: Span<UInt8>, from start: Int) -> Int? {
        var quote = Quote.none
        var index = start
        while index < line.count {
            let byte = line[index]
            switch (quote, byte) {
            case (.none, UInt8(ascii: "\"")): quote = .double
            case (.none, UInt8(ascii: "'")): quote = .single
            case (.none, _) where Self.endsWord(byte):
                ends.append(words.writerIndex)
                return index
            case (.double, UInt8(ascii: "\"")), (.single, UInt8(ascii: "'")):
                guard index + 1 == line.count || Self.isBlank(line[index + 1]) else { return nil }
                ends.append(words.writerIndex)
                return index + 1
            case (.double, UInt8(ascii: "\\")) where index + 1 < line.count:
                index += readEscape(line, after: index)
            case (.single, UInt8(ascii: "\\")) where index + 1 < line.count && line[index + 1] == UInt8(ascii: "'"):
                words.writeInteger(UInt8(ascii: "'"))
                index += 1
            default: words.writeInteger(byte)
            }
            index += 1
        }
        guard case .none = quote else { return nil }
        ends.append(words.writerIndex)
        return index
    }

    /// How many bytes follow the backslash.
    private mutating func readEscape(_ line: Span<UInt8>, after backslash: Int) -> Int {
        let byte = line[backslash + 1]
        if byte == UInt8(ascii: "x"), backslash + 3 < line.count, let high = Characters.hexValue(line[backslash + 2]),
            let low = Characters.hexValue(line[backslash + 3])
        {
            words.writeInteger(high << 4 | low)
            return 3
        }
        switch byte {
        case UInt8(ascii: "n"): words.writeInteger(Characters.lineFeed)
        case UInt8(ascii: "r"): words.writeInteger(Characters.carriageReturn)
        case UInt8(ascii: "t"): words.writeInteger(Characters.tab)
        case UInt8(ascii: "b"): words.writeInteger(UInt8(8))
        case UInt8(ascii: "a"): words.writeInteger(UInt8(7))
        default: words.writeInteger(byte)
        }
        return 1
    }

    private func split() -> [ByteBuffer] {
        var start = 0
        return ends.map { end in
            defer { start = end }
            return words.slice(start..<end)
        }
    }

    /// What `isspace` says in the C locale.
    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == Characters.space || 0x09...0x0d ~= byte
    }

    /// Form feeds and vertical tabs are blanks before a word, but part of it once it began: so Redis has it.
    private static func endsWord(_ byte: UInt8) -> Bool {
        isBlank(byte) && byte != 0x0b && byte != 0x0c
    }
}
