/// What is stated about the batches of a group. Names in the comments are the configuration's keys.
public struct BatchPolicy: Sendable, Equatable {
    /// `max_batch`: items in one batch; a worker may take fewer.
    public var maxBatch = Int.max
    /// `batch_bytes`: bytes of bodies in one batch; a single item may have more.
    public var maxBytes = 16 << 20
    /// `batch_weight`: weight of one batch; a single item may have more. nil: no bound.
    public var maxWeight: Int?
    /// `batch_window`: how long the first item waits for others while every worker is busy.
    public var window: Duration = .zero
    /// Whether an item whose worker died before it answered is tried again, once.
    public var triesAgainAfterCrash = true
    /// `kill_after`: how long a worker may go on with a batch that nobody wants, bringing nothing else forward. nil: as
    /// long as it likes.
    public var killAfter: Duration?
    /// `objective`: within which time an item should be over; one that will not be is refused. nil: none is.
    public var objective: Duration?
    /// How many batches a worker may hold beyond those that it works on, when they are short.
    public var maxAhead = 32

    public init() {}
}
