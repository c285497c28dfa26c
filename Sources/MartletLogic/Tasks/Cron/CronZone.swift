/// How far a place's clocks are from UTC, and since when: what a schedule needs to know of summer time.
public struct CronZone: Sendable, Equatable {
    /// An offset that holds until the next one does.
    public struct Span: Sendable, Equatable {
        /// In milliseconds since 1970. The first one holds before that, too.
        public var from: Int64
        /// Seconds east of UTC.
        public var offset: Int

        public init(from: Int64, offset: Int) {
            self.from = from
            self.offset = offset
        }
    }

    /// In the order of time; at least one.
    public let spans: [Span]

    public init(offset: Int) {
        spans = [Span(from: 0, offset: offset)]
    }

    /// nil: there is none, or they are not in the order of time.
    public init?(_ spans: [Span]) {
        guard !spans.isEmpty, zip(spans, spans.dropFirst()).allSatisfy({ $0.from < $1.from }) else { return nil }
        self.spans = spans
    }

    func index(at time: Int64) -> Int {
        max(0, (spans.firstIndex { $0.from > time } ?? spans.count) - 1)
    }

    /// The first time at which that span does not hold any more.
    func end(of index: Int) -> Int64 { index + 1 < spans.count ? spans[index + 1].from : .max }

    /// By how much clocks are put forward where that span begins, in milliseconds; less than 0: back.
    func shift(at index: Int) -> Int64 {
        index == 0 ? 0 : Int64(spans[index].offset - spans[index - 1].offset) * 1000
    }
}

extension CronSchedule {
    /// The first time after `time` on the clocks of `zone`.
    ///
    /// Where clocks are put forward, what was due in the hour that is left out is due at its end; where they are put
    /// back, the hour that comes twice counts once. A schedule for all hours goes by the time that passes.
    public func next(after time: Int64, in zone: CronZone) -> Int64? {
        for index in zone.index(at: time)..<zone.spans.count {
            if let late = leftOut(at: index, in: zone), late > time { return late }
            let floor = index == 0 ? time : max(time, begin(of: index, in: zone) - 1)
            guard let next = next(after: floor, offset: zone.spans[index].offset) else { continue }
            if next < zone.end(of: index) { return next }
        }
        return nil
    }

    /// The last time that is not after `time`; nil: there was none.
    public func last(notAfter time: Int64, in zone: CronZone) -> Int64? {
        for index in (0...zone.index(at: time)).reversed() {
            let until = min(time, zone.end(of: index) - 1)
            if let last = last(notAfter: until, offset: zone.spans[index].offset),
                index == 0 || last >= begin(of: index, in: zone)
            {
                return last
            }
            if let late = leftOut(at: index, in: zone), late <= time { return late }
        }
        return nil
    }

    /// From when on a span counts: the hour that comes twice does not.
    private func begin(of index: Int, in zone: CronZone) -> Int64 {
        let from = zone.spans[index].from
        return isForAllHours ? from : from + max(0, -zone.shift(at: index))
    }

    /// Where a span begins, if something was due in the hour that it leaves out.
    private func leftOut(at index: Int, in zone: CronZone) -> Int64? {
        let shift = zone.shift(at: index)
        guard shift > 0, !isForAllHours else { return nil }
        let from = zone.spans[index].from
        guard let due = next(after: from - 1, offset: zone.spans[index - 1].offset), due < from + shift else {
            return nil
        }
        return from
    }

    private var isForAllHours: Bool { hours == (1 << 24) - 1 }
}
