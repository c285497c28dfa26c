import Glibc

/// The wall clock, for what people read. Nothing is decided by it.
package struct WallTime: Equatable, Sendable {
    /// Since 1970, UTC.
    package var milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package static func now() -> WallTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)  // SAFETY: fills the one structure that is passed.
        return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// RFC 3339 with milliseconds, such as `2026-03-01T09:30:00.125Z`.
    package var text: String {
        String(decoding: WallTimeText().bytes(of: self), as: UTF8.self)
    }
}

/// Writes times as text. The part up to the second is kept from one call to the next: a busy log writes many lines in
/// one second.
struct WallTimeText {
    private var second = Int64.min
    private var bytes: [UInt8] = Array("0000-00-00T00:00:00.000Z".utf8)

    /// The text of one time, for the occasional use.
    func bytes(of time: WallTime) -> [UInt8] {
        var copy = self
        return copy.text(of: time)
    }

    mutating func text(of time: WallTime) -> [UInt8] {
        let (whole, rest) = time.milliseconds.quotientAndRemainder(dividingBy: 1000)
        let current = rest < 0 ? whole - 1 : whole
        if current != second {
            second = current
            writeSecond()
        }
        write(rest < 0 ? rest + 1000 : rest, digits: 3, at: 20)
        return bytes
    }

    private mutating func writeSecond() {
        let days = second >= 0 ? second / 86400 : (second - 86399) / 86400
        let ofDay = second - days * 86400
        let (year, month, day) = Self.civil(days)
        write(year, digits: 4, at: 0)
        write(month, digits: 2, at: 5)
        write(day, digits: 2, at: 8)
        write(ofDay / 3600, digits: 2, at: 11)
        write(ofDay / 60 % 60, digits: 2, at: 14)
        write(ofDay % 60, digits: 2, at: 17)
    }

    private mutating func write(_ value: Int64, digits: Int, at start: Int) {
        var rest = value.magnitude
        for place in stride(from: start + digits - 1, through: start, by: -1) {
            bytes[place] = UInt8(rest % 10) + 48
            rest /= 10
        }
    }

    /// The date of a day counted from 1970-01-01, in the Gregorian calendar (Howard Hinnant's `civil_from_days`).
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
