/// Times as Celery writes them: ISO 8601, such as `2026-11-21T01:31:42.837116+00:00`. One without an offset is UTC.
public enum CeleryTime {
    /// Milliseconds since 1970, rounded up: at the millisecond that is answered, the time has come. nil: no such time.
    public static func milliseconds(_ text: some StringProtocol) -> Int64? {
        var rest = Array(text.utf8)[...]
        guard let year = number(&rest, digits: 4), take(&rest, "-"), let month = number(&rest, digits: 2),
            take(&rest, "-"), let day = number(&rest, digits: 2), 1...12 ~= month, 1...days(in: month, year) ~= day
        else { return nil }
        var milliseconds = daysSince1970(year, month, day) * 86_400_000
        if rest.isEmpty { return milliseconds }
        guard take(&rest, "T") || take(&rest, "t") || take(&rest, " "), let clock = timeOfDay(&rest),
            let offset = offset(&rest), rest.isEmpty
        else { return nil }
        milliseconds += clock - offset
        return milliseconds
    }

    /// As Python's `isoformat` writes a time in UTC: `2026-11-21T01:31:42.837000+00:00`. Beyond the years 1 to 9999 it
    /// is the first or the last moment that Python knows.
    public static func text(milliseconds: Int64) -> String {
        text(microseconds: max(-62_135_596_800_000, min(milliseconds, 253_402_300_799_999)) * 1000)
    }

    /// As ``text(milliseconds:)``, of microseconds since 1970.
    public static func text(microseconds: Int64) -> String {
        let time = max(-62_135_596_800_000_000, min(microseconds, 253_402_300_799_999_999))
        let day = 86_400_000_000 as Int64
        let days = time >= 0 ? time / day : (time + 1) / day - 1
        let clock = time - days * day
        let (year, month, dayOfMonth) = civil(days)
        let (second, fraction) = (clock / 1_000_000, clock % 1_000_000)
        var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))T"
        text += "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        if fraction > 0 { text += ".\(padded(fraction, 6))" }
        return text + "+00:00"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.ffffff`.
    private static func timeOfDay(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        guard let hour = number(&rest, digits: 2), hour < 24, take(&rest, ":"),
            let minute = number(&rest, digits: 2), minute < 60
        else { return nil }
        var milliseconds = (hour * 60 + minute) * 60_000
        guard take(&rest, ":") else { return milliseconds }
        guard let second = number(&rest, digits: 2), second < 60 else { return nil }
        milliseconds += second * 1000
        guard take(&rest, ".") || take(&rest, ",") else { return milliseconds }
        guard let fraction = fraction(&rest) else { return nil }
        return milliseconds + fraction
    }

    /// The digits of a fraction of a second, in milliseconds, rounded up.
    private static func fraction(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        let digits = rest.prefix { Characters.digits.contains($0) }
        guard !digits.isEmpty else { return nil }
        rest.removeFirst(digits.count)
        let whole = (0..<3).reduce(Int64(0)) { sum, place in
            sum * 10 + (place < digits.count ? Int64(digits[digits.startIndex + place] & 0x0f) : 0)
        }
        return digits.dropFirst(3).contains { $0 != UInt8(ascii: "0") } ? whole + 1 : whole
    }

    /// `Z`, `+HH:MM`, `+HHMM`, `+HH`, or nothing; in milliseconds east of UTC.
    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        if rest.isEmpty || take(&rest, "Z") || take(&rest, "z") { return 0 }
        let isEast = take(&rest, "+")
        guard isEast || take(&rest, "-"), let hours = number(&rest, digits: 2), hours < 24 else { return nil }
        var minutes: Int64 = 0
        var seconds: Int64 = 0
        if !rest.isEmpty {
            _ = take(&rest, ":")
            guard let number = number(&rest, digits: 2), number < 60 else { return nil }
            minutes = number
        }
        if take(&rest, ":") {
            guard let number = number(&rest, digits: 2), number < 60 else { return nil }
            seconds = number
        }
        let milliseconds = ((hours * 60 + minutes) * 60 + seconds) * 1000
        return isEast ? milliseconds : -milliseconds
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, digits count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ Characters.digits.contains($0) }) else { return nil }
        rest.removeFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 & 0x0f) }
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, _ mark: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: mark) else { return false }
        rest.removeFirst()
        return true
    }

    private static func days(in month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Of the Gregorian calendar. Years begin in March here, so that the leap day is the last of its year.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let (year, month) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
        let leapDays = year >= 0 ? year / 4 - year / 100 + year / 400 : -1
        return year * 365 + leapDays + (month * 153 + 2) / 5 + day - 1 - 719_468
    }

    /// The reverse of ``daysSince1970(_:_:_:)``.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // Counted from 1 March of the year 0, in whole circles of 400 years.
        let shifted = days + 719_468
        let circle = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let day = shifted - circle * 146_097
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let rest = day - (year * 365 + year / 4 - year / 100)
        let month = (rest * 5 + 2) / 153
        let isNextYear = month >= 10
        return (
            circle * 400 + year + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3,
            rest - (month * 153 + 2) / 5 + 1
        )
    }
}
