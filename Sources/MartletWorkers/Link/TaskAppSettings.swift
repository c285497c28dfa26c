package import MartletWire

/// What an app states of its tasks, in `READY`. Times are in seconds.
package struct TaskAppSettings: Sendable, Equatable, Decodable {
    /// A task that it knows how to run.
    package struct Entry: Sendable, Equatable, Decodable {
        /// Such as `tasks.add`.
        package var name: String
        /// Where it wants to be taken from; nil: it does not say.
        package var queue: String?
        /// Such as `10/m`.
        package var rate_limit: String?
        /// The same for all workers together.
        package var rate: String?
        /// Tasks that name one have one rate; nil: the task's name.
        package var rate_key: String?
        package var time_limit: Double?
        package var soft_time_limit: Double?
        /// nil: without end.
        package var max_retries: Int?
        package var retry_delay: Double?
        package var ignore_result: Bool?
        /// There is one at a time of those with the same arguments.
        package var unique: Bool?
        /// `started`, `finished` or `ttl`.
        package var unique_until: String?
        package var unique_seconds: Double?
        /// So many are run in one call; nil: one by one.
        package var batch_size: Int?
        package var batch_timeout: Double?
        package var store_errors: Bool?
        package var track_started: Bool?
        /// Acknowledged after the run, and not before it.
        package var acks_late: Bool?
        package var acks_on_timeout: Bool?
        package var reject_on_worker_lost: Bool?
        /// It stores results and publishes what follows by itself, as Celery does.
        package var settles: Bool?
    }

    package struct Queue: Sendable, Equatable, Decodable {
        package var name: String
        package var exchange: String?
        package var exchange_type: String?
        package var routing_key: String?
    }

    /// `celery`, or `functions` where all of its tasks are the SDK's own.
    package var kind: String
    package var tasks: [Entry]
    /// With its password, where it has one: not for logs. Empty: it states none.
    package var broker_url: String?
    package var broker_options: JSONValue?
    package var result_backend: String?
    /// What it would be taken from without Martlet, in order.
    package var queues: [Queue]?
    package var default_queue: String?
    package var result_expires: Double?
    package var send_task_events: Bool?
    package var concurrency: Int?
    package var max_tasks_per_child: Int?
    /// In KiB.
    package var max_memory_per_child: Int?
    /// As `inspect conf` answers it.
    package var conf: [String: JSONValue]?
}
