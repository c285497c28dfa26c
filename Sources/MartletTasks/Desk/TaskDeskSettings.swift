package import MartletBase

/// What a desk is told.
package struct TaskDeskSettings: Sendable {
    /// Of the broker: it is part of the names of channels.
    package var database = 0
    /// Where tasks go that name no queue.
    package var defaultQueue = "celery"
    /// Where requests to routes of this server go that name no queue: only Martlet's workers can run them.
    package var requestQueue = TaskName.requestQueue
    /// Whether workers are told to send events, and what they say is remembered.
    package var watchesEvents = true
    /// How long a result is kept that the desk itself stores, and what it knows of tasks that were submitted to it.
    package var resultExpires: Duration = .seconds(86_400)
    /// How long a task that is called off stays so, beyond its time to run.
    package var revocationExpires: Duration = .seconds(86_400)
    /// For how long a second submission with the same key is the first one.
    package var idempotencyExpires: Duration = .seconds(86_400)
    /// The longest arguments of a task, in bytes of JSON.
    package var argumentBytes = 8 << 20
    /// Messages that one search for tasks looks through.
    package var scannedMessages = 10_000
    /// Clients that may wait for results at once, and as many for a search.
    package var waiters = 1000
    /// The bounds of what autoscalers are told to want.
    package var desiredWorkers = 0...100
    /// How long a task may wait where there are as many workers.
    package var wait: Duration = .seconds(10)
    package var webhooks = WebhookSettings()

    package init() {}
}

/// How those are told who asked to be told that a task ended.
package struct WebhookSettings: Sendable {
    /// Whether addresses of this machine and of private networks may be told.
    package var allowsPrivateAddresses = false
    /// What signs them; nil: they go unsigned.
    package var secret: Secret?
    /// Attempts in all; the pauses between them grow from a second on.
    package var attempts = 8
    package var timeout: Duration = .seconds(10)

    package init() {}
}
