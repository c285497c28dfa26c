/// What the broker keeps in mind about the queues of one database. All of it that must outlive the process is in the
/// hidden database behind it, too.
struct QueueRoom: Sendable {
    /// A message that was popped and not yet written down by who popped it: it is nowhere else.
    struct Limbo: Sendable {
        var list: Bytes
        var message: Bytes
        var owner: ClientID
        var order: UInt64
        /// Where messages like it are by the usual rules; nil: that cannot be told.
        var usualList: Bytes?
        /// The sorted set in which its consumer noted it, which comes first.
        var index: Bytes?
    }

    /// A message that a consumer wrote down: it is in `hash`.
    struct Taken: Sendable {
        var list: Bytes
        var hash: Bytes
        var index: Bytes?
        var order: UInt64
    }

    /// A message that went back to its list although its consumer may still want it.
    struct Returned: Sendable {
        var list: Bytes
        var message: Bytes
    }

    /// More of them are not kept in mind.
    static let maximumReturned = 4096

    var bindings = Bindings()
    var limbo: [Bytes: Limbo] = [:]
    var taken: [Bytes: Taken] = [:]
    /// How often each message came back without being acknowledged.
    var failures: [Bytes: Int] = [:]
    var returned: [Bytes: Returned] = [:]
    /// The hashes in which consumers write down what they took, each with its index (or an empty name).
    var hashes: [Bytes: Bytes] = [:]
    /// Taken messages whose list was noted, because it cannot be told from the message.
    var noted: Set<Bytes> = []
    /// When the first of the messages that wait for their time may go to each list, in milliseconds since 1970.
    var held: [Bytes: Int64] = [:]

    var isEmpty: Bool { limbo.isEmpty && taken.isEmpty && failures.isEmpty && hashes.isEmpty && held.isEmpty }
}

/// The keys of a hidden database.
enum HiddenKey {
    /// Hash: tag, to list and message.
    static let limbo: Bytes = "limbo"
    /// Hash: tag, to how often it came back.
    static let failures: Bytes = "failures"
    /// Hash: a hash of taken messages, to its index.
    static let hashes: Bytes = "hashes"
    /// Hash: tag, to the list that the message was taken from.
    static let lists: Bytes = "lists"
    private static let heldPrefix = Array("held:".utf8)

    /// Sorted set: messages that wait for their time, with it.
    static func held(_ list: Bytes) -> Bytes { Bytes(heldPrefix + list.array) }

    static let heldPattern: Bytes = "held:*"

    static func list(ofHeld key: Bytes) -> Bytes { Bytes(key.array.dropFirst(heldPrefix.count)) }
}
