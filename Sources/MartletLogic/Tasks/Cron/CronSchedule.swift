/// When something is to happen, as five fields say it: minute, hour, day of the month, month, day of the week.
///
/// Each field is `*`, a number, a name (`jan`, `mon`), a range (`9-17`, `fri-mon`: past the end it goes on at the
/// beginning), any of these with a step (`*/15`, `10-40/5`; not a single number), or a list of all that (`0,30`).
/// Sunday is 0, and 7 too.
///
/// As with Celery's `crontab`, and not as with cron, both days must fit when both are given: `0 0 13 * fri` is Friday
/// the thirteenth. The time zone is an offset from UTC that is given with each question; ``CronZone`` is one with
/// summer time.
public struct CronSchedule: Sendable, Equatable {
    /// Bit n: n fits.
    let minutes: UInt64
    let hours: UInt64
    let days: UInt64
    let months: UInt64
    let weekdays: UInt64

    /// A time of day is looked for on so many days: Friday the 29th of February comes within 40 years.
    private static let horizon: Int64 = 41 * 366

    public init(_ text: String) throws(CronFlaw) {
        let words = text.split { $0 == " " || $0 == "\t" }.map(String.init)
        guard words.count == 5 else { throw CronFlaw(field: nil, text: text) }
        minutes = try CronField.minute.parse(words[0])
        hours = try CronField.hour.parse(words[1])
        days = try CronField.day.parse(words[2])
        months = try CronField.month.parse(words[3])
        let week = try CronField.weekday.parse(words[4])
        weekdays = (week | week >> 7) & 0x7f
    }

    /// The first time after `time`; nil: there is none, as on the 30th of February.
    ///
    /// - Parameters:
    ///   - time: Milliseconds since 1970, as everywhere here.
    ///   - offset: Seconds east of UTC.
    public func next(after time: Int64, offset: Int = 0) -> Int64? {
        let first = Self.minute(of: time, offset: offset) + 1
        let firstDay = Self.quotient(first, 1440)
        for day in firstDay...firstDay + Self.horizon where fits(day: day) {
            let from = day == firstDay ? Int(first - firstDay * 1440) : 0
            if let minute = firstMinute(from: from) { return Self.time(day: day, minute: minute, offset: offset) }
        }
        return nil
    }

    /// The last time that is not after `time`; nil: there was none.
    public func last(notAfter time: Int64, offset: Int = 0) -> Int64? {
        let last = Self.minute(of: time, offset: offset)
        let lastDay = Self.quotient(last, 1440)
        for back in 0...Self.horizon where fits(day: lastDay - back) {
            let until = back == 0 ? Int(last - lastDay * 1440) : 1439
            if let minute = lastMinute(until: until) {
                return Self.time(day: lastDay - back, minute: minute, offset: offset)
            }
        }
        return nil
    }

    // MARK: Within a day

    private func firstMinute(from minute: Int) -> Int? {
        for hour in minute / 60..<24 where hours >> UInt64(hour) & 1 == 1 {
            let later = minutes >> UInt64(hour == minute / 60 ? minute % 60 : 0)
            guard later != 0 else { continue }
            return hour * 60 + (hour == minute / 60 ? minute % 60 : 0) + later.trailingZeroBitCount
        }
        return nil
    }

    private func lastMinute(until minute: Int) -> Int? {
        for hour in (0...minute / 60).reversed() where hours >> UInt64(hour) & 1 == 1 {
            let end = hour == minute / 60 ? minute % 60 : 59
            let earlier = minutes & (UInt64.max >> UInt64(63 - end))
            if earlier != 0 { return hour * 60 + 63 - earlier.leadingZeroBitCount }
        }
        return nil
    }

    // MARK: Days

    /// - Parameter day: Since 1970.
    private func fits(day: Int64) -> Bool {
        // 1 January 1970 was a Thursday.
        let weekday = day - Self.quotient(day + 4, 7) * 7 + 4
        guard weekdays >> UInt64(weekday) & 1 == 1 else { return false }
        let (month, dayOfMonth) = Self.civil(day: day)
        return months >> UInt64(month) & 1 == 1 && days >> UInt64(dayOfMonth) & 1 == 1
    }

    /// Month and day of the month in the Gregorian calendar: years begin in March here, so that the leap day is the
    /// last.
    static func civil(day: Int64) -> (month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = quotient(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let year = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        return (month < 10 ? month + 3 : month - 9, dayOfYear - (153 * month + 2) / 5 + 1)
    }

    private static func minute(of time: Int64, offset: Int) -> Int64 {
        // No calendar goes beyond this; sums stay whole.
        let bounded = min(max(time, -1 << 52), 1 << 52)
        return quotient(bounded + Int64(min(max(offset, -86_400), 86_400)) * 1000, 60_000)
    }

    private static func time(day: Int64, minute: Int, offset: Int) -> Int64 {
        (day * 1440 + Int64(minute)) * 60_000 - Int64(min(max(offset, -86_400), 86_400)) * 1000
    }

    /// Rounded down, also below zero.
    private static func quotient(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -((divisor - 1 - value) / divisor)
    }
}
