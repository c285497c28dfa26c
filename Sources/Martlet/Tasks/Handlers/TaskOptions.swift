/// Where the ``TaskHandler``s of a program get their tasks from, and how many of them run.
public struct TaskOptions: Sendable {
    /// The broker: Martlet's own or Redis, such as `redis://:password@host:6379/0`. nil: what `MARTLET_BROKER` or
    /// `CELERY_BROKER_URL` says, else `redis://127.0.0.1:6379/0`.
    public var broker: String?
    /// In the order in which they are asked; at least one.
    public var queues: [String]
    /// Tasks that run at one time; nil: as many as cores.
    public var concurrency: Int?
    /// The worker's name among others, such as `images@%h`; `%h` is this machine's. nil: `celery@%h`.
    public var name: String?
    /// How long an end waits for tasks that run; then they are cancelled, and another worker gets them.
    public var drain: Duration
    /// So often a task is given to workers that die of it; then it is a dead letter.
    public var maxDeliveries: Int

    public init(
        broker: String? = nil, queues: [String] = ["celery"], concurrency: Int? = nil, name: String? = nil,
        drain: Duration = .seconds(60), maxDeliveries: Int = 5
    ) {
        self.broker = broker
        self.queues = queues
        self.concurrency = concurrency
        self.name = name
        self.drain = drain
        self.maxDeliveries = maxDeliveries
    }

    func service(for handlers: [TaskHandler]) -> TaskServiceOptions {
        var options = TaskServiceOptions()
        options.broker = broker
        options.queues = queues
        options.concurrency = concurrency.map { max(1, $0) }
        options.name = name
        options.drain = drain
        options.maximumDeliveries = max(1, maxDeliveries)
        options.handlers = handlers
        return options
    }
}
