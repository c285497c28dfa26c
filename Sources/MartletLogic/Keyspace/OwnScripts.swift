/// Scripts of Martlet's own workers: what must happen to a message at once or not at all.
///
/// A Redis server runs their Lua (`text`); the embedded broker knows them by their SHA-1 and does the same natively
/// (`BrokerMachine+OwnScripts`). A message that was taken is written down as kombu does it (`unacked`,
/// `unacked_index`), so workers of Celery's see it. Besides, it has a lease: a number that grows with each take, and
/// the list it was taken from, as `17 cpu_queue`. Whoever acts on a message names its lease; one that is not the
/// present one changes nothing.
///
/// The keys of each script begin with `keys(prefix:)`. All of them take many messages at once.
public enum OwnScript: String, Sendable, CaseIterable {
    /// Pops from lists, one after the other, and writes down what it popped.
    ///
    /// - Further keys: the lists. Arguments: at most how many messages.
    /// - Answer: nothing, or the lease, then for each message the number of its list (from 1), its tag, how often it
    ///   was delivered (this time included) and the message. What is no message goes to the list's dead letters.
    case take
    /// Publishes what follows, stores the result and announces it, unless a success is stored already, and
    /// acknowledges.
    ///
    /// - Arguments, for each message: tag, lease, the result's key (empty: there is none), how many seconds it is kept
    ///   (0: for ever), the result, a unique key that is free then (empty: there is none) and the task that has it, how
    ///   many messages are to be published, and their lists and themselves by turns.
    /// - Answer, for each: 1, 0 (the lease was lost), or why something could not be published: it is still taken then.
    case finish
    /// Stores and announces states of tasks that are not over, unless one stands there that has to stay.
    ///
    /// - Arguments, for each: tag and lease (both empty: whoever has the message), the result's key, how many seconds
    ///   it is kept (0: for ever), the state, and the names of the states that stay, apart by blanks.
    /// - Answer, for each: 1, or 0 (the lease was lost, or what is stored stays).
    case tell
    /// Says that messages are being worked on: nobody else may have them for another while.
    ///
    /// - Arguments: tags and leases by turns. Answer, for each: 1, or 0 (the lease was lost).
    case renew
    /// Puts messages back.
    ///
    /// - Arguments, for each: tag, lease, `RPUSH` (they are served next) or `LPUSH` (last, and that counts as a failed
    ///   delivery), and the message, marked as delivered before.
    /// - Answer, for each: 1, or 0 (the lease was lost).
    case giveBack
    /// Puts messages aside, with the dead letters of their queue.
    ///
    /// - Arguments, for each: tag, lease, message. Answer, for each: 1, or 0 (the lease was lost).
    case bury
    /// Takes messages out of a list on which they wait, and stores and announces the ends of their tasks.
    ///
    /// - Further key: the list. Arguments, for each: tag, the result's key (empty: it is kept elsewhere), how many
    ///   seconds it is kept (0: for ever), the result, and the message.
    /// - Answer, for each: 1, or 0 (it is not there any more, and nothing was stored).
    case withdraw
    /// Puts messages back whose lease nobody renewed, or which workers of Celery's took long ago; now and then forgets
    /// failed deliveries of long ago: of what workers of Celery's acknowledged, or what was purged, nobody tells.
    ///
    /// - Arguments: after how many seconds a lease ends, after how many seconds a message of Celery's is given up for
    ///   lost, at most how many messages. Answer: how many.
    case restore
    /// Says how many may begin by a rate that all workers keep together (`SharedRate`).
    ///
    /// - Further key: the rate's. Arguments: the distance in microseconds, the burst, how many are wanted.
    /// - Answer: how many may, and for how many microseconds no more may.
    case rate
    /// Claims keys for tasks, so that there is one task of a key.
    ///
    /// - Further keys: those. Arguments: for each the task's id and after how many seconds it is free in any case.
    /// - Answer, for each: whose it is: the same id, or that of the task that was there before.
    case claim
    /// Frees keys.
    ///
    /// - Further keys: those. Arguments: for each the id of the task that has it. Answer: how many of them had theirs.
    case free
    /// Takes places of keys, each of which has so many. A place is its message's as long as that has the same lease.
    ///
    /// - Further keys: those. Arguments: for each the tag, the lease and how many places there are.
    /// - Answer, for each: 1, or 0: there is none, or the lease was lost.
    case enter

    /// The script with that hexadecimal SHA-1, in whatever case it is written.
    public init?(sha1: Bytes) {
        let wanted = Bytes(sha1.lowercased)
        guard let script = Self.allCases.first(where: { $0.sha1 == wanted }) else { return nil }
        self = script
    }

    /// What a server names it by.
    public var sha1: Bytes { Self.sha1s[self] ?? Bytes() }

    /// The keys that each of them begins with: the hash and the sorted set of kombu's, the leases, their counter, and
    /// how often deliveries failed. (The embedded broker keeps those itself. On a Redis server the ones of the day
    /// before are beside it, as `….old`.)
    ///
    /// - Parameter prefix: what stands before all keys (`global_keyprefix`).
    public static func keys(prefix: String) -> [String] {
        ["unacked", "unacked_index", leases.text, "martlet.lease", "martlet.deliveries"].map { prefix + $0 }
    }

    static let leases: Bytes = "martlet.leases"

    private static let sha1s = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0, KnownScript.sha1(of: Bytes($0.text))) })
}

/// What a lease is written as: its number and the list it was taken from.
public enum LeaseText {
    public static func of(_ number: Int64, list: String) -> String { "\(number) \(list)" }

    static func of(_ number: Int64, list: Bytes) -> Bytes { Bytes(Array("\(number) ".utf8) + list.array) }

    /// The list; nil: it is no lease.
    static func list(_ lease: Bytes) -> Bytes? {
        guard let blank = lease.array.firstIndex(of: UInt8(ascii: " ")) else { return nil }
        return Bytes(lease.array[(blank + 1)...])
    }
}
