import MartletBase

/// Misbehaviour by the clock: `black-hole@5s+10s/30s` is a black hole from 5 s to 15 s, and so every 30 s.
///
///     schedule = "none" | phase { "," phase }
///     phase    = what "@" START "+" LENGTH [ "/" PERIOD ]
///     what     = a word of MockFault | "refuse" | NAME "=" VALUE, such as latency=2s, health=503, interval=1s
///
/// Times count from the moment the schedule is set; without a period a phase is on once. Where phases overlap, the
/// later in the list has the last word.
package struct MockSchedule: Sendable, Equatable {
    struct Phase: Sendable, Equatable {
        /// A name and a value that ``MockBehaviour/set(_:_:)`` takes, or `refuse`.
        let name: String
        let value: String
        let start: UInt64
        let length: UInt64
        let period: UInt64?

        func isOn(at elapsed: UInt64) -> Bool {
            guard elapsed >= start else { return false }
            let since = elapsed - start
            return (period.map { since % $0 } ?? since) < length
        }

        /// False when the behaviour does not know the words.
        func apply(to behaviour: inout MockBehaviour) -> Bool {
            guard name == "refuse" else { return behaviour.set(name, value) }
            behaviour.refuses = true
            return true
        }

        /// When it begins or ends next.
        func nextChange(after elapsed: UInt64) -> UInt64? {
            guard elapsed >= start else { return start }
            guard let period else { return elapsed - start < length ? start + length : nil }
            let turn = elapsed - (elapsed - start) % period
            return elapsed < turn + length ? turn + length : turn + period
        }
    }

    private var phases: [Phase] = []
    /// As it was written.
    package private(set) var text = "none"

    package init() {}

    /// nil for what is not a schedule.
    package init?(text: some StringProtocol) {
        guard text != "none" else { return }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let phase = Phase(text: part.drop { $0 == " " }) else { return nil }
            phases.append(phase)
        }
        self.text = String(text)
    }

    /// What is asked for, changed by the phases that are on so many nanoseconds after the schedule was set.
    func applied(to behaviour: MockBehaviour, at elapsed: UInt64) -> MockBehaviour {
        var behaviour = behaviour
        for phase in phases where phase.isOn(at: elapsed) { _ = phase.apply(to: &behaviour) }
        return behaviour
    }

    /// When a phase begins or ends next, in nanoseconds after the schedule was set.
    func nextChange(after elapsed: UInt64) -> UInt64? {
        phases.compactMap { $0.nextChange(after: elapsed) }.min()
    }
}

extension MockSchedule.Phase {
    init?(text: some StringProtocol) {
        guard let at = text.lastIndex(of: "@") else { return nil }
        let times = text[text.index(after: at)...].split(separator: "+", omittingEmptySubsequences: false)
        guard times.count == 2, let start = Self.nanoseconds(times[0]) else { return nil }
        let rest = times[1].split(separator: "/", omittingEmptySubsequences: false)
        guard rest.count <= 2, let length = Self.nanoseconds(rest[0]), length >= Self.shortest else { return nil }
        let what = text[..<at].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let word = what.first, what.count == 1 || MockBehaviour.names.contains(String(word)) else { return nil }
        name = what.count == 1 ? (word == "refuse" ? "refuse" : "fault") : String(word)
        value = String(what.last ?? word)
        self.start = start
        self.length = length
        if rest.count == 2 {
            guard let period = Self.nanoseconds(rest[1]), period >= length else { return nil }
            self.period = period
        } else {
            period = nil
        }
        var tried = MockBehaviour()
        guard apply(to: &tried) else { return nil }
    }

    /// A shorter phase would only keep the clock busy.
    private static let shortest: UInt64 = 1_000_000

    private static func nanoseconds(_ text: some StringProtocol) -> UInt64? {
        Duration(text: text).map { UInt64(clamping: $0.wholeNanoseconds) }
    }
}
