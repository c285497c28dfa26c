/// A Swift file as the rules see it: what is code, what is comment; strings are blank in both.
struct SwiftSource {
    struct Line {
        /// Counted from 1.
        var number: Int
        var text: String
        /// The code alone; comments and the insides of strings are spaces.
        var code: String
        var comment: String

        /// The columns of code and comment, every string taken for an empty one.
        var widthWithoutStrings: Int {
            var width = 0
            var isInString = false
            for character in code {
                if character == "\"" { isInString.toggle() }
                if !isInString || character == "\"" { width += 1 }
            }
            return width
        }
    }

    let path: String
    let lines: [Line]

    /// `MartletGateway` of `Sources/MartletGateway/…`.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : ""
    }

    init(path: String, text: String) {
        self.path = path
        var scanner = SwiftScanner(text)
        let (code, comments) = scanner.scan()
        let texts = text.split(separator: "\n", omittingEmptySubsequences: false)
        lines = zip(texts, zip(code, comments)).enumerated().map { index, line in
            Line(number: index + 1, text: String(line.0), code: line.1.0, comment: line.1.1)
        }
    }

    /// The words and marks of one line's code: identifiers whole, everything else one character each.
    static func tokens(_ code: String) -> [Token] {
        var tokens: [Token] = []
        var word: [UInt8] = []
        var start = 0
        let bytes = Array(code.utf8)
        for (index, byte) in (bytes + [32]).enumerated() {
            if isWord(byte) {
                if word.isEmpty { start = index }
                word.append(byte)
                continue
            }
            if !word.isEmpty {
                tokens.append(Token(text: String(decoding: word, as: UTF8.self), start: start, end: index))
                word = []
            }
            if byte != 32, byte != 9 {
                tokens.append(Token(text: String(decoding: [byte], as: UTF8.self), start: index, end: index + 1))
            }
        }
        return tokens
    }

    struct Token: Equatable {
        var text: String
        var start: Int
        var end: Int
    }

    static func isWord(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte >= 0x80 || (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90)
            || (byte >= 97 && byte <= 122)
    }
}
