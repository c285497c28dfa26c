/// Reads the numbers, dates, times and identifiers of a text, Chinese and English.
///
/// Two ways of writing one thing are read as the same value: 2024-05-01, 2024年5月1日 and May 1, 2024; 1,000, 1000 and 一千;
/// 5% and 百分之五.
struct DetailReader {
    let text: FoldedText
    var index: Int
    let end: Int
    private var details: [Detail] = []

    /// What stands in a part of the text, in its order.
    static func read(_ text: FoldedText, in range: Range<Int>) -> [Detail] {
        var reader = DetailReader(text: text, index: range.lowerBound, end: range.upperBound)
        while reader.index < reader.end { reader.step() }
        return reader.details
    }

    private init(text: FoldedText, index: Int, end: Int) {
        (self.text, self.index, self.end) = (text, index, end)
    }

    func at(_ index: Int) -> Unicode.Scalar? { index >= 0 && index < end ? text.scalars[index] : nil }
    func has(_ word: [Unicode.Scalar], at index: Int) -> Bool {
        index + word.count <= end && text.has(word, at: index)
    }

    mutating func add(_ value: Detail.Value, from start: Int, to stop: Int) {
        details.append(Detail(value: value, range: start..<stop))
        index = stop
    }

    mutating func step() {
        guard let scalar = at(index) else { return }
        if let currency = currency(at: index) {
            let start = index
            let number = currency.end + (at(currency.end) == " " ? 1 : 0)
            if at(number)?.isDigit == true {
                readNumber(from: start, at: number, unit: currency.unit)
                return
            }
        }
        if scalar.isDigit {
            readDigits()
        } else if scalar.isLatin {
            readWord()
        } else if ChineseNumeral.isPart(scalar) {
            readChinese()
        } else {
            index += 1
        }
    }

    // MARK: Digits

    mutating func readDigits() {
        let start = index
        if let (value, stop) = date(at: start) ?? time(at: start) { return add(value, from: start, to: stop) }
        let stop = tokenEnd(start)
        let number = numberEnd(start)
        let rest = number..<max(number, stop)
        let isRange = at(number) == "-" || at(number) == "~"
        if rest.isEmpty || isSuffix(rest) || isRange && isShortRange(start, stop) {
            readNumber(from: start, at: start, unit: nil)
        } else {
            add(.name(name(start..<stop)), from: start, to: stop)
        }
    }

    /// A number, its power of ten and its unit.
    mutating func readNumber(from start: Int, at first: Int, unit known: Detail.Unit?) {
        var stop = numberEnd(first)
        var number = numeral(first..<stop)
        var start = start
        if at(start - 1) == "-", at(start - 2).map({ $0.isBlank || $0 == "(" }) ?? true, start > 1 || first == start {
            // A dash that begins a line is a list's.
            if start >= 2, at(start - 2) != "\n" { (number, start) = (number.negated, start - 1) }
        }
        stop = ordinalEnd(stop)
        for _ in 0..<2 {
            let word = at(stop) == " " ? stop + 1 : stop
            guard let power = DetailWords.magnitudes.first(where: { has($0.word, at: word) && isWhole($0.word, word) })
            else { break }
            (number, stop) = (number.times(tenTo: power.meaning), word + power.word.count)
        }
        let following = unit(at: stop)
        stop = following?.end ?? stop
        if let year = number.whole, 1900...2100 ~= year, following?.unit == .year, known == nil,
            following?.isLong == false
        {
            return add(.date(year: year, month: nil, day: nil), from: start, to: stop)
        }
        add(.number(number, unit: known ?? following?.unit), from: start, to: stop)
    }

    func numeral(_ range: Range<Int>) -> Numeral {
        var digits: [UInt8] = []
        var exponent = 0
        var isFraction = false
        for index in range {
            if text.scalars[index] == "." { isFraction = true }
            // So many digits are no number any more that somebody could change unnoticed: the name of one.
            guard text.scalars[index].isDigit, digits.count < 64 else { continue }
            digits.append(UInt8(truncatingIfNeeded: text.scalars[index].value - 0x30))
            if isFraction { exponent -= 1 }
        }
        return Numeral(digits, exponent: exponent)
    }

    /// Behind digits, commas between groups of three, and a fraction.
    func numberEnd(_ start: Int) -> Int {
        var stop = digitsEnd(start)
        if stop - start <= 3 {
            while at(stop) == ",", digitsEnd(stop + 1) - stop == 4 { stop += 4 }
        }
        if at(stop) == ".", at(stop + 1)?.isDigit == true { stop = digitsEnd(stop + 1) }
        return stop
    }

    func digitsEnd(_ start: Int) -> Int {
        var stop = start
        while at(stop)?.isDigit == true { stop += 1 }
        return stop
    }

    func ordinalEnd(_ stop: Int) -> Int {
        let word = ["st", "nd", "rd", "th"].map(\.scalarArray).first { has($0, at: stop) && isWhole($0, stop) }
        return stop + (word?.count ?? 0)
    }

    /// Whether what follows digits in one word is a unit or an ordinal's ending.
    func isSuffix(_ range: Range<Int>) -> Bool {
        if ordinalEnd(range.lowerBound) == range.upperBound { return true }
        return unit(at: range.lowerBound)?.end == range.upperBound
    }

    /// `3-5`, not a telephone number.
    func isShortRange(_ start: Int, _ stop: Int) -> Bool {
        let groups = text.scalars[start..<stop].split { $0 == "-" || $0 == "~" }
        return groups.count == 2 && groups.allSatisfy { $0.first?.isDigit == true && $0.count <= 9 }
            && text.scalars[start..<stop].filter(\.isDigit).count < 7
    }

    func unit(at stop: Int) -> (unit: Detail.Unit, end: Int, isLong: Bool)? {
        let word = at(stop) == " " || at(stop) == "-" ? stop + 1 : stop
        guard let found = DetailWords.units.first(where: { has($0.word, at: word) && isWhole($0.word, word) })
        else { return nil }
        return (found.meaning, word + found.word.count, found.word.count > 1)
    }

    func currency(at start: Int) -> (unit: Detail.Unit, end: Int)? {
        guard let found = DetailWords.currencies.first(where: { has($0.word, at: start) }) else { return nil }
        guard found.word.first?.isLatin != true || at(start - 1)?.isLatinOrDigit != true else { return nil }
        return (found.meaning, start + found.word.count)
    }

    /// Whether a Latin word ends where it does.
    func isWhole(_ word: [Unicode.Scalar], _ start: Int) -> Bool {
        word.last?.isLatin != true || at(start + word.count)?.isLatin != true
    }
}
