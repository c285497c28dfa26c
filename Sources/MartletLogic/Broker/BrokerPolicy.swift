/// What an operator states about the broker, as values.
public struct BrokerPolicy: Sendable, Equatable {
    /// When an answer is told whose commands changed something.
    public enum Sync: String, Sendable, CaseIterable {
        /// When the change is on the disk: nothing that was told is ever lost.
        case before
        /// At once, while the change is on its way to the disk: a crash of the machine takes the last moments back.
        case after
    }

    public var sync = Sync.before
    /// What clients must say first; nil: they need not.
    public var password: Bytes?
    /// The memory of the data from which on producers are refused, in bytes. Workers may go a quarter beyond it: a full
    /// broker gets empty by their work only.
    public var maximumBytes = 1 << 30
    /// The longest message that a queue takes, in bytes.
    public var maximumMessageBytes = 64 << 20
    /// So often a message is given to workers; after that it is a dead letter.
    public var maximumDeliveries = 10
    /// From this failure on a message does not return at once: its next delivery waits `firstDelayMilliseconds`, then
    /// twice as long each time, give or take a half. So what kills workers does not kill them one after the other, and
    /// what was with it by chance parts from it.
    public var failuresBeforeDelay = 3
    public var firstDelayMilliseconds: Int64 = 1000
    public var longestDelayMilliseconds: Int64 = 60_000
    /// How long the broker waits after its own start for workers that had taken messages before it, in milliseconds:
    /// they come back and acknowledge what they did meanwhile. Then the messages return to their queues.
    public var returnGraceMilliseconds: Int64 = 30_000
    /// How many commands a transaction may hold.
    public var maximumTransaction = 1 << 20
    /// How long the arguments of a transaction may be together, in bytes.
    public var maximumTransactionBytes = 128 << 20

    /// About how many bytes of messages move at once because their time came or their worker died: one record of the
    /// journal. The others follow.
    var bytesAtOnce = 16 << 20

    public init() {}

    /// Where even workers are refused.
    var hardMaximumBytes: Int { maximumBytes + maximumBytes / 4 }
}

/// What the broker tells about itself: to `HELLO`, `INFO` and `CONFIG GET`.
public struct BrokerFacts: Sendable, Equatable {
    /// Of Martlet.
    public var version = "0"
    /// The version of Redis whose replies these are.
    public var redisVersion = "7.2.0"
    public var runID = String(repeating: "0", count: 40)
    public var processID = 0
    public var port = 6379
    public var maximumClients = 10_000
    public var journal = Journal()

    /// What the journal did since the start.
    public struct Journal: Sendable, Equatable {
        public var records: UInt64
        public var bytes: UInt64
        public var syncs: UInt64
        /// All syncs together.
        public var syncMilliseconds: Double
        /// Attempts to write that failed.
        public var failures: UInt64

        public init(
            records: UInt64 = 0, bytes: UInt64 = 0, syncs: UInt64 = 0, syncMilliseconds: Double = 0,
            failures: UInt64 = 0
        ) {
            self.records = records
            self.bytes = bytes
            self.syncs = syncs
            self.syncMilliseconds = syncMilliseconds
            self.failures = failures
        }
    }

    public init() {}
}
