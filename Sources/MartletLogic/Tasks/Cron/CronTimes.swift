/// When an entry's times come.
public enum CronTimes: Sendable, Equatable {
    /// By the clocks of a place.
    case calendar(CronSchedule, CronZone)
    /// At whole multiples of so many milliseconds since 1970, wherever that is asked.
    case every(Int64)

    public func next(after time: Int64) -> Int64? {
        switch self {
        case .calendar(let schedule, let zone): return schedule.next(after: time, in: zone)
        case .every(let period):
            let (next, overflow) = last(time, period).addingReportingOverflow(period)
            return overflow ? nil : next
        }
    }

    /// The last time that is not after `time`; nil: there was none.
    public func last(notAfter time: Int64) -> Int64? {
        switch self {
        case .calendar(let schedule, let zone): schedule.last(notAfter: time, in: zone)
        case .every(let period): last(time, period)
        }
    }

    /// How many times come after `start`, up to and with `end`, counted up to `limit`.
    public func count(after start: Int64, through end: Int64, limit: Int) -> Int {
        var count = 0
        var time = start
        while count < limit, let next = next(after: time), next <= end {
            count += 1
            time = next
        }
        return count
    }

    private func last(_ time: Int64, _ period: Int64) -> Int64 {
        let rest = time % period
        return time - (rest < 0 ? rest + period : rest)
    }
}
