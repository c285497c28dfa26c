import MartletBase
import MartletLogic
import MartletWire

/// A message that was taken, as long as it is here. Everything in it stays as it is; what changes is in ``HeldTask``.
final class TaskHand: Sendable {
    let id: DeliveryID
    let delivery: Delivery
    let message: TaskMessage
    /// nil: nobody here knows the task.
    let kind: KnownTask?
    /// The unique key that it has; nil: it needs none.
    let unique: UniqueHold?

    init(
        id: DeliveryID, delivery: Delivery, message: TaskMessage, kind: KnownTask?, unique: UniqueHold? = nil
    ) {
        self.id = id
        self.delivery = delivery
        self.message = message
        self.kind = kind
        self.unique = unique
    }

    /// What it is counted as: names that nobody here knows may be any number.
    var countedName: String { kind == nil ? "unknown" : message.name }

    /// Whether its results are not to be stored.
    var ignoresResult: Bool { message.ignoreResult ?? kind?.description.ignoresResult ?? false }

    var storesErrors: Bool { !ignoresResult || kind?.description.storesErrorsEvenIfIgnored == true }

    /// What the desk has to know of it.
    func arrival(settings: FairnessHeaders) -> TaskArrival {
        var arrival = TaskArrival(
            id: id, task: message.id, name: message.name, queue: delivery.receipt.queue, priority: message.priority,
            key: settings.key, weight: settings.weight, keyConcurrency: settings.concurrency,
            retries: message.retries, deliveries: delivery.deliveries, eta: message.eta, expires: message.expires,
            softLimit: message.softLimit, hardLimit: message.hardLimit, stamps: stamps)
        arrival.maximumRetries = settings.maximumRetries
        arrival.sharedRate = settings.rate.map { SharedRateRule(key: settings.rateKey ?? message.name, limit: $0) }
        return arrival
    }

    private var stamps: [String: [String]] {
        guard !message.stampedHeaders.isEmpty, let stamps = message.stamps else { return [:] }
        return Dictionary(
            message.stampedHeaders.compactMap { header in
                stamps[header].map { (header, ControlArguments.texts($0.value)) }
            }, uniquingKeysWith: { $1 })
    }
}

/// A task that an executor knows how to run.
struct KnownTask: Sendable {
    var description: TaskDescription
    var executor: any TaskExecutor
}

/// What changes about a message in hand. In the worker's state, behind its lock, which it never leaves.
final class HeldTask {
    let hand: TaskHand
    /// Where it runs; nil: it does not, or it has not begun.
    var runner: TaskRunner?
    /// The run is to end, or is not to begin.
    var isCancelled = false
    /// How its run ended.
    var outcome: TaskOutcome?
    /// In seconds since 1970.
    var startedAt: Double?
    /// It was acknowledged before its run, and has no lease.
    var isAcknowledged = false

    init(hand: TaskHand) { self.hand = hand }
}

/// What a message says about the share of its task in the work, in headers that other workers do not read.
struct FairnessHeaders: Sendable, Equatable {
    var key: String?
    var weight = 1.0
    var concurrency: Int?
    var maximumRetries: Int?
    /// Of `x-unique`.
    var unique: String?
    /// Until when; nil: as the task says.
    var uniqueRule: UniqueRule?
    var rate: RateLimit?
    var rateKey: String?

    /// Reads `x-key`, `x-weight`, `x-key-concurrency`, `x-max-retries`, `x-rate`, `x-rate-key`, `x-unique`,
    /// `x-unique-until` and `x-unique-seconds`.
    init(_ message: TaskMessage) {
        guard message.hasExtensions else { return }
        let headers = message.headers
        key = headers.present("x-key").flatMap { $0.string ?? $0.text }
        weight = headers.present("x-weight")?.number.flatMap { $0 > 0 && $0.isFinite ? $0 : nil } ?? 1
        concurrency = headers.present(TaskSubmission.Header.keyConcurrency)?.integer.flatMap { $0 > 0 ? $0 : nil }
        unique = headers.present(TaskSubmission.Header.unique).flatMap { $0.string ?? $0.text }
        uniqueRule = unique.map { _ in
            UniqueRule(
                until: headers.present("x-unique-until")?.string, seconds: headers.present("x-unique-seconds")?.number)
        }
        // A text that is no rate limits nothing, as in Celery.
        rate = headers.present("x-rate")?.string.flatMap { try? TaskRateText.parse($0) }
        rateKey = headers.present("x-rate-key").flatMap { $0.string ?? $0.text }
        maximumRetries = headers.present("x-max-retries")?.integer.flatMap { $0 >= 0 ? $0 : nil }
    }
}
