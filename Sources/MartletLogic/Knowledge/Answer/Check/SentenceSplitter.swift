/// A sentence of a text, or a line of it that is none: of a list, a table, code.
struct Sentence: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case prose
        /// Heads what follows: it says nothing by itself.
        case heading
        case code
    }

    var kind: Kind
    /// Without blanks, a list's marker and a heading's signs.
    var range: Range<Int>
}

/// Finds where sentences end, Chinese and English: not in 3.5, v1.2, e.g. and Dr. Wang.
struct SentenceSplitter {
    private let text: FoldedText
    private let joinsLines: Bool
    private var sentences: [Sentence] = []

    /// - Parameter joinsLines: Lines of the text are wrapped anywhere, as those of PDFs are: a long one goes on in the
    ///   next.
    static func split(_ text: FoldedText, joinsLines: Bool = false) -> [Sentence] {
        var splitter = SentenceSplitter(text: text, joinsLines: joinsLines)
        splitter.readLines()
        return splitter.sentences
    }

    private init(text: FoldedText, joinsLines: Bool) {
        (self.text, self.joinsLines) = (text, joinsLines)
    }

    // MARK: Lines

    /// A shorter line ends where it ends: it is not one that was wrapped.
    private static let wrappedLength = 24
    private static let fences = ["```", "~~~"].map(\.scalarArray)

    private mutating func readLines() {
        var start = 0
        var isCode = false
        var pending: Int?
        while start <= text.count {
            let end = lineEnd(start)
            let line = trimmed(start..<end)
            let isFence = Self.fences.contains { text.has($0, at: line.lowerBound) }
            if isFence || isCode {
                isCode = isFence ? !isCode : true
                if !isFence, !line.isEmpty { sentences.append(Sentence(kind: .code, range: line)) }
            } else if !line.isEmpty {
                let begin = pending ?? line.lowerBound
                if joinsLines, goesOn(line, after: end) {
                    pending = begin
                } else {
                    pending = nil
                    readLine(begin..<line.upperBound)
                }
            }
            start = end + 1
        }
    }

    private func goesOn(_ line: Range<Int>, after end: Int) -> Bool {
        guard line.count >= Self.wrappedLength, !endsSentence(line.upperBound - 1), end < text.count
        else { return false }
        let next = trimmed(end + 1..<lineEnd(end + 1))
        guard let first = text[next.lowerBound], !next.isEmpty, first != "|", text.scalars[line.lowerBound] != "|"
        else { return false }
        return content(of: next).lowerBound == next.lowerBound
    }

    private func endsSentence(_ index: Int) -> Bool {
        guard let last = text[index] else { return false }
        return Self.ends.contains(last) || last == "." || last == ":" || Self.closers.contains(last)
    }

    private func lineEnd(_ start: Int) -> Int {
        var end = start
        while end < text.count, text.scalars[end] != "\n" { end += 1 }
        return end
    }

    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, min(range.upperBound, text.count))
        while start < end, text.scalars[start].isBlank { start += 1 }
        while end > start, text.scalars[end - 1].isBlank { end -= 1 }
        return start..<max(start, end)
    }

    /// Behind `- `, `1. `, `（一）`, `一、`, `## `.
    private func content(of line: Range<Int>) -> Range<Int> {
        var start = line.lowerBound
        func at(_ index: Int) -> Unicode.Scalar? { index < line.upperBound ? text.scalars[index] : nil }
        while at(start) == ">" || at(start) == "#" { start += 1 }
        let isHeading = start > line.lowerBound
        if let sign = at(start), "-*+•·●".unicodeScalars.contains(sign),
            at(start + 1)?.isBlank == true || sign.value > 0x7f
        {
            start += 1
        } else {
            let isOpen = at(start) == "("
            var number = isOpen ? start + 1 : start
            let first = number
            while let scalar = at(number), scalar.isDigit || ChineseNumeral.isPart(scalar), number - first < 3 {
                number += 1
            }
            let sign = at(number)
            let isEnd = sign == ")" || sign == "、" || sign == "." && (at(number + 1)?.isDigit != true || isHeading)
            if number > first, isEnd, isOpen == (sign == ")") || sign == ")" { start = number + 1 }
        }
        return trimmed(start..<line.upperBound)
    }

    // MARK: Sentences

    private static let ends = Set<Unicode.Scalar>("。！!？?；;…".unicodeScalars)
    private static let closers = Set<Unicode.Scalar>("」』”’\")）]】》'*_".unicodeScalars)

    private mutating func readLine(_ line: Range<Int>) {
        let whole = content(of: line)
        guard !whole.isEmpty else { return }
        let isHeading = text.scalars[line.lowerBound] == "#" || text[whole.upperBound - 1] == ":"
        var start = whole.lowerBound
        var index = start
        while index < whole.upperBound {
            guard isEnd(index, in: whole) else {
                index += 1
                continue
            }
            index = tailEnd(index + 1, in: whole)
            add(start..<index, .prose)
            start = index
        }
        add(start..<whole.upperBound, isHeading ? .heading : .prose)
    }

    private mutating func add(_ range: Range<Int>, _ kind: Sentence.Kind) {
        let range = trimmed(range)
        guard text.scalars[range].contains(where: { $0.isLatinOrDigit || $0.isDense || $0.isLetter }) else { return }
        sentences.append(Sentence(kind: kind, range: range))
    }

    /// Behind more ends, closing quotes, and the marks that cite.
    private func tailEnd(_ index: Int, in line: Range<Int>) -> Int {
        var end = index
        while end < line.upperBound {
            let scalar = text.scalars[end]
            if Self.ends.contains(scalar) || scalar == "." || Self.closers.contains(scalar) {
                end += 1
            } else if let mark = CitationMark.read(text, at: scalar == " " ? end + 1 : end),
                mark.range.upperBound <= line.upperBound
            {
                end = mark.range.upperBound
            } else {
                break
            }
        }
        return end
    }

    private func isEnd(_ index: Int, in line: Range<Int>) -> Bool {
        let scalar = text.scalars[index]
        let next = index + 1 < line.upperBound ? text.scalars[index + 1] : nil
        switch scalar {
        case ";": return text.scalars[line].contains(where: \.isDense)
        // Not in a?b=1 and !=.
        case "!", "?": return next != "=" && (next?.isLatinOrDigit != true || text[index - 1]?.isDense == true)
        case ".": return isStop(index, next: next, in: line)
        default: return Self.ends.contains(scalar)
        }
    }

    private func isStop(_ index: Int, next: Unicode.Scalar?, in line: Range<Int>) -> Bool {
        guard let next else { return true }
        guard next.isBlank || next.isDense || Self.closers.contains(next) || next == "[" || next == "【"
        else { return false }
        var start = index
        while start > line.lowerBound, text.scalars[start - 1].isLatin || text.scalars[start - 1] == "." { start -= 1 }
        let word = String(String.UnicodeScalarView(text.scalars[start..<index]))
        var following = index + 1
        while following < line.upperBound, text.scalars[following].isBlank { following += 1 }
        guard following < line.upperBound else { return true }
        let after = text.narrow[following]
        if Self.titles.contains(word) { return false }
        if word == "no" || word == "art" || word == "fig" || word == "sec" { return !after.isDigit }
        if Self.shortened.contains(word) || word.contains(".") { return after.isCapital || after.isDense }
        // An initial: J. Smith.
        if word.unicodeScalars.count == 1, text.narrow[start].isCapital, after.isCapital { return word == "i" }
        return true
    }

    /// A name or a number comes after these.
    private static let titles: Set<String> = [
        "mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "cf", "approx", "eg", "ie", "ca",
    ]
    /// These may end a sentence.
    private static let shortened: Set<String> = [
        "etc", "inc", "ltd", "co", "corp", "dept", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept",
        "oct",
        "nov", "dec", "min", "max", "al",
    ]
}
