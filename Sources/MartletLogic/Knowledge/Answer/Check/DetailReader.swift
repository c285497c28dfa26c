/// Reads the numbers, dates, times and identifiers of a text, Chinese and English.
///
/// Two ways of writing one thing are read as the same value: 2024-05-01, 2024年5月1日 and May 1, 2024; 1,000, 1000 and 一千;
/// 5% and 百分之五.
struct DetailReader {
    private let text: FoldedText
    private var index: Int
    private let end: Int
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

    private func at(_ index: Int) -> Unicode.Scalar? { index >= 0 && index < end ? text.scalars[index] : nil }
    private func has(_ word: [Unicode.Scalar], at index: Int) -> Bool {
        index + word.count <= end && text.has(word, at: index)
    }

    private mutating func add(_ value: Detail.Value, from start: Int, to stop: Int) {
        details.append(Detail(value: value, range: start..<stop))
        index = stop
    }

    private mutating func step() {
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
        } else if DetailWords.digits[scalar] != nil || scalar == "十" || scalar == "拾" || scalar == "百" {
            readChinese()
        } else {
            index += 1
        }
    }

    // MARK: Digits

    private mutating func readDigits() {
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
    private mutating func readNumber(from start: Int, at first: Int, unit known: Detail.Unit?) {
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
        if let year = number.whole, 1900...2100 ~= year, following?.unit == .year, known == nil, following?.isLong == false {
            return add(.date(year: year, month: nil, day: nil), from: start, to: stop)
        }
        add(.number(number, unit: known ?? following?.unit), from: start, to: stop)
    }

    private func numeral(_ range: Range<Int>) -> Numeral {
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
    private func numberEnd(_ start: Int) -> Int {
        var stop = digitsEnd(start)
        if stop - start <= 3 {
            while at(stop) == ",", digitsEnd(stop + 1) - stop == 4 { stop += 4 }
        }
        if at(stop) == ".", at(stop + 1)?.isDigit == true { stop = digitsEnd(stop + 1) }
        return stop
    }

    private func digitsEnd(_ start: Int) -> Int {
        var stop = start
        while at(stop)?.isDigit == true { stop += 1 }
        return stop
    }

    private func ordinalEnd(_ stop: Int) -> Int {
        let word = ["st", "nd", "rd", "th"].map(\.scalarArray).first { has($0, at: stop) && isWhole($0, stop) }
        return stop + (word?.count ?? 0)
    }

    /// Whether what follows digits in one word is a unit or an ordinal's ending.
    private func isSuffix(_ range: Range<Int>) -> Bool {
        if ordinalEnd(range.lowerBound) == range.upperBound { return true }
        return unit(at: range.lowerBound)?.end == range.upperBound
    }

    /// `3-5`, not a telephone number.
    private func isShortRange(_ start: Int, _ stop: Int) -> Bool {
        let groups = text.scalars[start..<stop].split { $0 == "-" || $0 == "~" }
        return groups.count == 2 && groups.allSatisfy { $0.first?.isDigit == true && $0.count <= 9 }
            && text.scalars[start..<stop].filter(\.isDigit).count < 7
    }

    private func unit(at stop: Int) -> (unit: Detail.Unit, end: Int, isLong: Bool)? {
        let word = at(stop) == " " || at(stop) == "-" ? stop + 1 : stop
        guard let found = DetailWords.units.first(where: { has($0.word, at: word) && isWhole($0.word, word) })
        else { return nil }
        return (found.meaning, word + found.word.count, found.word.count > 1)
    }

    private func currency(at start: Int) -> (unit: Detail.Unit, end: Int)? {
        guard let found = DetailWords.currencies.first(where: { has($0.word, at: start) }) else { return nil }
        guard found.word.first?.isLatin != true || at(start - 1)?.isLatinOrDigit != true else { return nil }
        return (found.meaning, start + found.word.count)
    }

    /// Whether a Latin word ends where it does.
    private func isWhole(_ word: [Unicode.Scalar], _ start: Int) -> Bool {
        word.last?.isLatin != true || at(start + word.count)?.isLatin != true
    }

    // MARK: Words

    private static let joints = Set<Unicode.Scalar>("-_./:@#+&,~\\=".unicodeScalars)

    /// Behind a run of letters and digits, and the signs between them.
    private func tokenEnd(_ start: Int) -> Int {
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

    private func name(_ range: Range<Int>) -> String {
        var name = String.UnicodeScalarView()
        for scalar in text.scalars[range] where scalar != "-" && scalar != "_" { name.append(scalar) }
        return String(name)
    }

    private mutating func readWord() {
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

    private func isName(_ range: Range<Int>) -> Bool {
        let narrow = text.narrow[range]
        if narrow.contains(where: { $0.isDigit || $0 == "_" || $0 == "@" }) { return true }
        let parts = narrow.split { !$0.isLatin }
        if parts.count > 1 {
            // EDR-Agent; not HR-related.
            if parts.allSatisfy({ $0.first?.isCapital == true }), parts.contains(where: { $0.count > 1 && $0.allSatisfy(\.isCapital) }) {
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
    private func writtenNumber(at start: Int) -> (Detail.Value, Int)? {
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

    private func latinWord(at start: Int) -> (String, Int) {
        var stop = start
        var word = ""
        while let scalar = at(stop), scalar.isLatin {
            word.unicodeScalars.append(scalar)
            stop += 1
        }
        return (word, stop)
    }

    // MARK: Dates and times

    private func isDateYear(_ number: Int) -> Bool { 1000...2999 ~= number }

    /// One or two digits (or so many as said), and where they end.
    private func count(at start: Int, digits: ClosedRange<Int> = 1...2) -> (Int, Int)? {
        let stop = digitsEnd(start)
        guard digits ~= stop - start, let number = numeral(start..<stop).whole else { return nil }
        return (number, stop)
    }

    private func date(at start: Int) -> (Detail.Value, Int)? {
        if let (year, stop) = count(at: start, digits: 4...4), isDateYear(year) {
            if at(stop) == "年" || at(stop) == " " && at(stop + 1) == "年" {
                return chineseDate(year, after: at(stop) == " " ? stop + 2 : stop + 1)
            }
            return numericDate(year, after: stop)
        }
        guard let (number, stop) = count(at: start) else { return nil }
        let month = at(stop) == " " ? stop + 1 : stop
        if at(month) == "月", 1...12 ~= number { return chineseDay(nil, number, after: month + 1) }
        return englishDay(number, after: stop)
    }

    /// -05-01, /5/1, .5.1, -05
    private func numericDate(_ year: Int, after stop: Int) -> (Detail.Value, Int)? {
        guard let sign = at(stop), sign == "-" || sign == "/" || sign == ".", let (month, monthEnd) = count(at: stop + 1),
            1...12 ~= month
        else { return nil }
        if at(monthEnd) == sign, let (day, dayEnd) = count(at: monthEnd + 1), 1...31 ~= day {
            return (.date(year: year, month: month, day: day), dayEnd)
        }
        guard sign != ".", monthEnd - stop == 3, at(monthEnd)?.isLatinOrDigit != true, at(monthEnd) != sign else { return nil }
        return (.date(year: year, month: month, day: nil), monthEnd)
    }

    private func chineseDate(_ year: Int, after stop: Int) -> (Detail.Value, Int) {
        let start = at(stop) == " " ? stop + 1 : stop
        guard let (month, end) = count(at: start) ?? chineseCount(at: start), 1...12 ~= month else {
            return (.date(year: year, month: nil, day: nil), stop)
        }
        let sign = at(end) == " " ? end + 1 : end
        guard at(sign) == "月" else { return (.date(year: year, month: nil, day: nil), stop) }
        return chineseDay(year, month, after: sign + 1)
    }

    private func chineseDay(_ year: Int?, _ month: Int, after stop: Int) -> (Detail.Value, Int) {
        let start = at(stop) == " " ? stop + 1 : stop
        guard let (day, end) = count(at: start) ?? chineseCount(at: start), 1...31 ~= day else {
            return (.date(year: year, month: month, day: nil), stop)
        }
        let sign = at(end) == " " ? end + 1 : end
        guard at(sign) == "日" || at(sign) == "号" else { return (.date(year: year, month: month, day: nil), stop) }
        return (.date(year: year, month: month, day: day), sign + 1)
    }

    /// `1 May 2024`, `1st of May`
    private func englishDay(_ day: Int, after stop: Int) -> (Detail.Value, Int)? {
        var start = ordinalEnd(stop)
        guard 1...31 ~= day, at(start) == " " else { return nil }
        start += 1
        if has("of ".scalarArray, at: start) { start += 3 }
        let (word, end) = latinWord(at: start)
        guard let month = DetailWords.months[word], text.narrow[start].isCapital else { return nil }
        let (year, stop) = yearAfter(end)
        return (.date(year: year, month: month, day: day), stop)
    }

    /// `May 1, 2024`, `May 2024`, `May 1st`
    private func monthDate(at start: Int) -> (Detail.Value, Int)? {
        guard at(start - 1)?.isLatinOrDigit != true, text.narrow[start].isCapital else { return nil }
        var (word, stop) = latinWord(at: start)
        guard let month = DetailWords.months[word] else { return nil }
        if at(stop) == ".", word.count == 3 || word == "sept" { stop += 1 }
        guard at(stop) == " " else { return nil }
        if let (day, end) = count(at: stop + 1), 1...31 ~= day, at(ordinalEnd(end))?.isLatinOrDigit != true {
            let (year, stop) = yearAfter(ordinalEnd(end))
            return (.date(year: year, month: month, day: day), stop)
        }
        let (year, end) = yearAfter(stop)
        return year == nil ? nil : (.date(year: year, month: month, day: nil), end)
    }

    private func yearAfter(_ stop: Int) -> (Int?, Int) {
        let start = at(stop) == "," ? stop + 1 : stop
        guard at(start) == " ", let (year, end) = count(at: start + 1, digits: 4...4), isDateYear(year),
            at(end)?.isLatinOrDigit != true
        else { return (nil, stop) }
        return (year, end)
    }

    private func time(at start: Int) -> (Detail.Value, Int)? {
        guard let (hour, stop) = count(at: start), hour <= 24 else { return nil }
        var (minute, end): (Int, Int)
        if at(stop) == ":", let (read, behind) = count(at: stop + 1, digits: 2...2), read < 60, at(behind) != ":" {
            (minute, end) = (read, behind)
        } else if at(stop) == "点" || at(stop) == "时" {
            (minute, end) = (0, stop + 1)
            if at(end) == "半" {
                (minute, end) = (30, end + 1)
            } else if let (read, behind) = count(at: end), read < 60, at(behind) == "分" {
                (minute, end) = (read, behind + 1)
            }
        } else if halfOfDay(at: stop) != nil {
            (minute, end) = (0, stop)
        } else {
            return nil
        }
        var hour24 = hour
        if let half = halfOfDay(at: end) {
            hour24 = hour % 12 + (half.isAfternoon ? 12 : 0)
            end = half.end
        } else if hour < 12, DetailWords.afternoon.contains(where: { has($0, at: start - $0.count) }) {
            hour24 = hour + 12
        }
        return (.time(hour: hour24, minute: minute), end)
    }

    /// `a.m.`, `pm`
    private func halfOfDay(at stop: Int) -> (isAfternoon: Bool, end: Int)? {
        let start = at(stop) == " " ? stop + 1 : stop
        for (word, isAfternoon) in [("a.m.", false), ("p.m.", true), ("am", false), ("pm", true)] {
            let word = word.scalarArray
            if has(word, at: start), isWhole(word, start) { return (isAfternoon, start + word.count) }
        }
        return nil
    }

    // MARK: Chinese numerals

    /// Up to two digits' worth, for days and months.
    private func chineseCount(at start: Int) -> (Int, Int)? {
        let stop = chineseEnd(start)
        guard stop > start, let number = ChineseNumeral.value(text.scalars[start..<stop]) else { return nil }
        return (number, stop)
    }

    private func chineseEnd(_ start: Int) -> Int {
        var stop = start
        while let scalar = at(stop), ChineseNumeral.isPart(scalar) { stop += 1 }
        return stop
    }

    private mutating func readChinese() {
        let start = index
        if has("百分之".scalarArray, at: start) {
            let first = start + 3
            if at(first)?.isDigit == true {
                let stop = numberEnd(first)
                return add(.number(numeral(first..<stop), unit: .percent), from: start, to: stop)
            }
            if let (number, stop) = chineseCount(at: first) {
                return add(.number(Numeral(number), unit: .percent), from: start, to: stop)
            }
        }
        let stop = chineseEnd(start)
        guard stop > start else { return index = start + 1 }
        let run = text.scalars[start..<stop]
        if run.count == 4, at(stop) == "年", let year = ChineseNumeral.sequence(run), isDateYear(year) {
            let (value, end) = chineseDate(year, after: stop + 1)
            return add(value, from: start, to: end)
        }
        guard let number = ChineseNumeral.value(run) ?? ChineseNumeral.sequence(run) else { return index = stop }
        if at(stop) == "月", 1...12 ~= number {
            let (value, end) = chineseDay(nil, number, after: stop + 1)
            return add(value, from: start, to: end)
        }
        if run.count == 1 {
            guard let counter = at(stop), DetailWords.counters.contains(counter),
                number != 1 || !DetailWords.articles.contains(counter) || unit(at: stop).map({ $0.isLong }) == true,
                // 第三章 counts nothing, 十分 is "very".
                at(start - 1) != "第", number != 10 || counter != "分" || at(stop + 1) == "钟"
            else { return index = stop }
        }
        let unit = unit(at: stop)
        add(.number(Numeral(number), unit: unit?.unit), from: start, to: unit?.end ?? stop)
    }
}
