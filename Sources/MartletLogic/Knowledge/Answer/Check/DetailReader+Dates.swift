/// Dates and times of day.
extension DetailReader {
    func isDateYear(_ number: Int) -> Bool { 1000...2999 ~= number }

    /// One or two digits (or so many as said), and where they end.
    func count(at start: Int, digits: ClosedRange<Int> = 1...2) -> (Int, Int)? {
        let stop = digitsEnd(start)
        guard digits ~= stop - start, let number = numeral(start..<stop).whole else { return nil }
        return (number, stop)
    }

    func date(at start: Int) -> (Detail.Value, Int)? {
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
    func numericDate(_ year: Int, after stop: Int) -> (Detail.Value, Int)? {
        guard let sign = at(stop), sign == "-" || sign == "/" || sign == ".",
            let (month, monthEnd) = count(at: stop + 1),
            1...12 ~= month
        else { return nil }
        if at(monthEnd) == sign, let (day, dayEnd) = count(at: monthEnd + 1), 1...31 ~= day {
            return (.date(year: year, month: month, day: day), dayEnd)
        }
        guard sign != ".", monthEnd - stop == 3, at(monthEnd)?.isLatinOrDigit != true, at(monthEnd) != sign
        else { return nil }
        return (.date(year: year, month: month, day: nil), monthEnd)
    }

    func chineseDate(_ year: Int, after stop: Int) -> (Detail.Value, Int) {
        let start = at(stop) == " " ? stop + 1 : stop
        guard let (month, end) = count(at: start) ?? chineseCount(at: start), 1...12 ~= month else {
            return (.date(year: year, month: nil, day: nil), stop)
        }
        let sign = at(end) == " " ? end + 1 : end
        guard at(sign) == "月" else { return (.date(year: year, month: nil, day: nil), stop) }
        return chineseDay(year, month, after: sign + 1)
    }

    func chineseDay(_ year: Int?, _ month: Int, after stop: Int) -> (Detail.Value, Int) {
        let start = at(stop) == " " ? stop + 1 : stop
        guard let (day, end) = count(at: start) ?? chineseCount(at: start), 1...31 ~= day else {
            return (.date(year: year, month: month, day: nil), stop)
        }
        let sign = at(end) == " " ? end + 1 : end
        guard at(sign) == "日" || at(sign) == "号" else { return (.date(year: year, month: month, day: nil), stop) }
        return (.date(year: year, month: month, day: day), sign + 1)
    }

    /// `1 May 2024`, `1st of May`
    func englishDay(_ day: Int, after stop: Int) -> (Detail.Value, Int)? {
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
    func monthDate(at start: Int) -> (Detail.Value, Int)? {
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

    func yearAfter(_ stop: Int) -> (Int?, Int) {
        let start = at(stop) == "," ? stop + 1 : stop
        guard at(start) == " ", let (year, end) = count(at: start + 1, digits: 4...4), isDateYear(year),
            at(end)?.isLatinOrDigit != true
        else { return (nil, stop) }
        return (year, end)
    }

    func time(at start: Int) -> (Detail.Value, Int)? {
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
    func halfOfDay(at stop: Int) -> (isAfternoon: Bool, end: Int)? {
        let start = at(stop) == " " ? stop + 1 : stop
        for (word, isAfternoon) in [("a.m.", false), ("p.m.", true), ("am", false), ("pm", true)] {
            let word = word.scalarArray
            if has(word, at: start), isWhole(word, start) { return (isAfternoon, start + word.count) }
        }
        return nil
    }
}
