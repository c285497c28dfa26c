package import Foundation
import MartletBase
package import MartletLogic
import MartletWire

/// A task that is handed in again and again, as it is configured.
package struct CronTask: Sendable, Equatable {
    package enum Schedule: Sendable, Equatable {
        case calendar(CronSchedule)
        /// In milliseconds.
        case every(Int64)
    }

    package var name: String
    package var schedule: Schedule
    /// The same as it was written.
    package var text: String
    /// The place whose clocks it goes by.
    package var zone = "UTC"
    package var catchUp = CatchUp.once
    package var submission: TaskSubmission
    /// How long after it was sent it is still run; nil: for ever.
    package var expires: Duration?

    package init(_ name: String, _ schedule: Schedule, text: String, submission: TaskSubmission) {
        self.name = name
        self.schedule = schedule
        self.text = text
        self.submission = submission
    }

    /// - Parameter time: when it is handed in, in milliseconds since 1970.
    func submission(at time: Int64) -> TaskSubmission {
        var submission = submission
        submission.expires = expires.map { time + Int64($0.inSeconds * 1000) }
        return submission
    }

    /// - Parameter now: when summer times are looked up.
    func entry(now: Date = Date()) -> CronEntry {
        let times: CronTimes
        switch schedule {
        case .calendar(let schedule):
            times = .calendar(schedule, CronZone(named: zone, now: now) ?? CronZone(offset: 0))
        case .every(let milliseconds): times = .every(milliseconds)
        }
        return CronEntry(name: name, times: times, catchUp: catchUp)
    }
}

/// How the entries of one server stand, for numbers.
package struct CronFigures: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var name: String
        /// Tasks that this server sent.
        package var runs: UInt64 = 0
        /// Times that it passed over, as the entry's `catch_up` says.
        package var missed: UInt64 = 0
    }

    package var isLeader = false
    /// In the order of their names.
    package var entries: [Entry] = []
}

extension CronZone {
    /// How far ahead summer times are known; the last one holds on from there.
    private static let years = 15.0

    /// By the name of a place, such as `Europe/Berlin`, or `UTC`; nil: there is none of that name.
    package init?(named name: String, now: Date = Date()) {
        guard let zone = TimeZone(identifier: name) else { return nil }
        let begin = now.addingTimeInterval(-366 * 86_400)
        let end = now.addingTimeInterval(Self.years * 366 * 86_400)
        var spans = [Self.span(of: zone, at: begin)]
        var time = begin
        while let next = zone.nextDaylightSavingTimeTransition(after: time), next > time, next < end {
            let span = Self.span(of: zone, at: next)
            if span.from > (spans.last?.from ?? 0) { spans.append(span) }
            time = next
        }
        self.init(spans)
    }

    private static func span(of zone: TimeZone, at date: Date) -> Span {
        Span(from: Int64((date.timeIntervalSince1970 * 1000).rounded()), offset: zone.secondsFromGMT(for: date))
    }
}
