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
}
