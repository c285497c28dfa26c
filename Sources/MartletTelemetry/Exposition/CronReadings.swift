extension Readings {
    /// Tasks that are handed in again and again, by this process.
    package struct Cron: Sendable {
        package struct Entry: Sendable {
            package var name: String
            package var runs: UInt64
            package var missed: UInt64

            package init(_ name: String, runs: UInt64, missed: UInt64) {
                self.name = name
                self.runs = runs
                self.missed = missed
            }
        }

        package var isLeader: Bool
        package var entries: [Entry]

        package init(isLeader: Bool, entries: [Entry]) {
            self.isLeader = isLeader
            self.entries = entries
        }
    }
}

extension Exposition {
    mutating func cron(_ series: Series, _ cron: Readings.Cron) {
        switch series {
        case .cronRuns: for entry in cron.entries { writer.sample([entry.name], entry.runs) }
        case .cronMissed: for entry in cron.entries { writer.sample([entry.name], entry.missed) }
        default: writer.sample([], cron.isLeader ? 1 : 0)
        }
    }
}
