/// Numbers in Chinese characters.
extension DetailReader {
    /// Up to two digits' worth, for days and months.
    func chineseCount(at start: Int) -> (Int, Int)? {
        let stop = chineseEnd(start)
        guard stop > start, let number = ChineseNumeral.value(text.scalars[start..<stop]) else { return nil }
        return (number, stop)
    }

    func chineseEnd(_ start: Int) -> Int {
        var stop = start
        while let scalar = at(stop), ChineseNumeral.isPart(scalar) { stop += 1 }
        return stop
    }

    mutating func readChinese() {
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
