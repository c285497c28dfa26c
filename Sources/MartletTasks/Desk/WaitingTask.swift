import MartletLogic
import MartletWire
import NIOCore

/// A message of a task, as it lies on a list of the broker.
struct WaitingTask: Sendable {
    /// Longer texts are cut where they are shown.
    private static let shownCharacters = 2000

    let id: String
    let name: String
    let tag: String
    /// 0 is served first.
    let priority: Int
    /// The message itself: what to name when it is to be taken out.
    let message: ByteBuffer
    private let headers: JSONValue?
    private let properties: JSONValue?

    /// nil: no task.
    init?(_ message: ByteBuffer) {
        guard case .envelope(let envelope) = CeleryEnvelope.read(Array(buffer: message)), let task = envelope.task
        else { return nil }
        (id, name, tag, priority) = (task.id, task.name, envelope.deliveryTag, envelope.priority)
        self.message = message
        let whole = JSONValue.parsed(message.readableBytesView)
        headers = whole?["headers"]
        properties = whole?["properties"]
    }

    /// The id in a message: cheap, beside reading all of it. nil: no task.
    static func id(of message: ByteBuffer) -> String? {
        guard case .envelope(let envelope) = CeleryEnvelope.read(Array(buffer: message)) else { return nil }
        return envelope.task?.id
    }

    /// The queue that it was sent to.
    var queue: String? { properties?["delivery_info"]?["routing_key"]?.plainText }
    /// Whether it is a part of a chord: its end is to be counted.
    var isChordPart: Bool {
        (try? TaskMessage(Array(buffer: message)))?.embed.chord != nil
    }
    var retries: Int { headers?["retries"]?.int ?? 0 }

    /// What is shown of it.
    var summary: JSONValue {
        [
            "id": .string(id), "name": .string(name), "args": .optional(text("argsrepr")),
            "kwargs": .optional(text("kwargsrepr")), "retries": .integer(Int64(retries)),
            "eta": .optional(text("eta")), "expires": .optional(text("expires")), "queue": .optional(queue),
            "priority": .integer(Int64(priority)),
            "redelivered": .bool(headers?["redelivered"] == true),
        ]
    }

    private func text(_ header: String) -> String? {
        headers?[header]?.plainText.map { String($0.prefix(Self.shownCharacters)) }
    }
}

/// The lists of a queue, one for each step of priority, in the order in which they are served.
enum QueueLists {
    private static let separator = "\u{06}\u{16}"
    private static let steps = [0, 3, 6, 9]

    static func keys(_ queue: String) -> [String] {
        steps.map { key(queue, priority: $0) }
    }

    /// The list of messages with that priority.
    static func key(_ queue: String, priority: Int) -> String {
        let step = steps.last { priority >= $0 } ?? 0
        return step == 0 ? queue : "\(queue)\(separator)\(step)"
    }

    static func deadLetters(_ queue: String) -> String { queue + ".dead" }
}
