package import MartletLogic
package import MartletWire

/// How a queue stands.
package struct QueueLook: Sendable, Equatable {
    package var name: String
    /// Messages that wait, by priority step: 0, 3, 6, 9.
    package var waitingByStep = [0, 0, 0, 0]
    /// How long the oldest of them has waited, in seconds.
    package var oldestSeconds = 0.0
    /// Messages that workers have taken and not acknowledged; nil: there are too many to tell them apart by queue.
    package var reserved: Int?
    package var deadLetters = 0
    /// Tasks that wait for their time.
    package var scheduled = 0
    package var pace = QueuePace()
    /// Tasks of it that workers said they are at.
    package var running = 0

    package var waiting: Int { waitingByStep.reduce(0, +) }

    package var json: JSONValue {
        [
            "name": .string(name), "waiting": .integer(Int64(waiting)),
            "waiting_by_priority": .object(
                Dictionary(uniqueKeysWithValues: zip(["0", "3", "6", "9"], waitingByStep.map { .integer(Int64($0)) }))),
            "oldest_age_s": Self.rounded(oldestSeconds), "reserved": .optional(reserved),
            "running": .integer(Int64(running)), "dead_letters": .integer(Int64(deadLetters)),
            "scheduled": .integer(Int64(scheduled)),
            "rate_per_s": Self.rounded(pace.rate), "failures_per_s": Self.rounded(pace.failureRate),
            "latency_s": pace.latency.map(Self.rounded) ?? .null, "runtime_s": pace.runtime.map(Self.rounded) ?? .null,
        ]
    }

    /// To a millisecond.
    static func rounded(_ seconds: Double) -> JSONValue { .number((seconds * 1000).rounded() / 1000) }
}

/// What is remembered from one look at queues to the next.
struct QueueLooks: Sendable {
    var ages: [String: QueueAge] = [:]
    /// By name.
    var latest: [String: QueueLook] = [:]
    /// When the latest look was, in seconds since 1970.
    var time = 0.0
    /// How often a task was handed in here: a look that began before is no longer true.
    var submissions = 0
    /// When somebody wanted to know last.
    var asked = 0.0
    /// The queues that were declared, and when that was found out.
    var declared: [String] = []
    var declaredTime = 0.0
}
