/// Words: names made of signs, and English numbers.
extension DetailReader {
    private static let joints = Set<Unicode.Scalar>("-_./:@#+&,~\\=".unicodeScalars)

    /// Behind a run of letters and digits, and the signs between them.
    func tokenEnd(_ start: Int) -> Int {
        var stop = start
        while let scalar = at(stop) {
            if scalar.isLatinOrDigit {
                stop += 1
            } else if scalar == "," {
                guard at(stop - 1)?.isDigit == true, digitsEnd(stop + 1) - stop == 4 else { break }
                stop += 1
            } else if Self.joints.contains(scalar), at(stop + 1)?.isLatinOrDigit == true {
                stop += 1
            } else if scalar == "_", at(stop + 1) == "_" {
                stop += 1
            } else {
                break
            }
        }
        return stop
    }

    func name(_ range: Range<Int>) -> String {
        var name = String.UnicodeScalarView()
        for scalar in text.scalars[range] where scalar != "-" && scalar != "_" { name.append(scalar) }
        return String(name)
    }

    mutating func readWord() {
        let start = index
        if let (value, stop) = monthDate(at: start) { return add(value, from: start, to: stop) }
        if let (value, stop) = writtenNumber(at: start) { return add(value, from: start, to: stop) }
        let stop = tokenEnd(start)
        if isName(start..<stop) {
            add(.name(name(start..<stop)), from: start, to: stop)
        } else {
            index = max(stop, start + 1)
        }
    }

    func isName(_ range: Range<Int>) -> Bool {
        let narrow = text.narrow[range]
        if narrow.contains(where: { $0.isDigit || $0 == "_" || $0 == "@" }) { return true }
        let parts = narrow.split { !$0.isLatin }
        if parts.count > 1 {
            // EDR-Agent; not HR-related.
            if parts.allSatisfy({ $0.first?.isCapital == true }),
                parts.contains(where: { $0.count > 1 && $0.allSatisfy(\.isCapital) })
            {
                return true
            }
            // config.yaml, example.com/a; not e.g., and/or, long-term.
            let isDotted = narrow.contains(".") || narrow.contains(":") || narrow.contains("\\")
            return isDotted && parts.allSatisfy { $0.count > 1 } || parts.count > 2 && narrow.contains("/")
        }
        // HR, PDFs, GitHub.
        return narrow.dropFirst().contains(where: \.isCapital) && narrow.count > 1
    }

    /// `three days`, `twenty-five`, `two hundred`.
    func writtenNumber(at start: Int) -> (Detail.Value, Int)? {
        guard at(start - 1)?.isLatinOrDigit != true else { return nil }
        var (word, stop) = latinWord(at: start)
        guard var number = DetailWords.numbers[word] else { return nil }
        let isTwice = word == "twice"
        if 20...90 ~= number, at(stop) == "-" || at(stop) == " " {
            let (next, nextStop) = latinWord(at: stop + 1)
            if let ones = DetailWords.numbers[next], 1...9 ~= ones, next != "twice" {
                (word, number, stop) = (next, number + ones, nextStop)
            }
        }
        var numeral = Numeral(number)
        while at(stop) == " " || at(stop) == "-",
            let power = DetailWords.magnitudes.first(where: { has($0.word, at: stop + 1) && $0.word[0].isLatin })
        {
            (numeral, stop) = (numeral.times(tenTo: power.meaning), stop + 1 + power.word.count)
        }
        let unit = unit(at: stop)
        guard number != 1 || unit != nil || numeral != Numeral(1) else { return nil }
        return (.number(numeral, unit: isTwice ? .times : unit?.unit), unit?.end ?? stop)
    }

    func latinWord(at start: Int) -> (String, Int) {
        var stop = start
        var word = ""
        while let scalar = at(stop), scalar.isLatin {
            word.unicodeScalars.append(scalar)
            stop += 1
        }
        return (word, stop)
    }
}
