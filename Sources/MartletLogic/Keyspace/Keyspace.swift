import MartletBase

/// The data of the embedded broker and the commands on it, as one value.
///
/// There is no clock and no disk: time comes in as milliseconds since 1970, changes go out as mutations. Whatever changes
/// the data does so by a mutation, so a keyspace that applied all mutations of another one equals it.
///
/// Time ends a key when it is next touched, or by `expireSome`; both append a mutation.
public struct Keyspace: Sendable {
    /// The databases that clients may select. As many hidden ones stand behind them, `databaseCount` further on, for the
    /// caller's own bookkeeping; commands that name a database or touch all of them see those of clients only.
    public static let databaseCount = 16

    /// What changed since it was last taken, in order.
    public internal(set) var mutations: [Mutation] = []

    /// The longest string, in bytes; `APPEND` and `SETRANGE` refuse to make a longer one.
    public var longestString = 512 << 20

    /// `seed` decides what `RANDOMKEY`, `SPOP` and `SRANDMEMBER` choose.
    public init(seed: UInt64 = 0) {}

    /// Runs one command. A refused one changes nothing and answers an error in Redis' words.
    ///
    /// - Parameters:
    ///   - arguments: without the command's name.
    ///   - database: of clients or hidden; one that does not exist is refused.
    ///   - now: milliseconds since 1970.
    public mutating func run(
        _ command: KeyspaceCommand, _ arguments: [Bytes], in database: Int, now: Int64
    ) -> Answer {
        .error(code: "ERR", text: "unknown command")
    }

    /// Runs a known script, natively. It answers `ERR` when it was given too few keys or arguments.
    public mutating func run(
        _ script: KnownScript, keys: [Bytes], _ arguments: [Bytes], in database: Int, now: Int64
    ) -> Answer {
        .error(code: "ERR", text: "unknown script")
    }

    /// The mutations since the last call: what a journal must keep.
    public mutating func takeMutations() -> [Mutation] {
        defer { mutations = [] }
        return mutations
    }

    /// Makes a change that another keyspace made. It appends no mutation.
    ///
    /// - Returns: false, and nothing changed, when it does not fit the data (a push onto a string): the mutations before
    ///   it are not all here.
    @discardableResult
    public mutating func apply(_ mutation: Mutation) -> Bool { false }

    /// When the next key ends, in milliseconds since 1970; nil when none does.
    public var nextExpiry: Int64? { nil }

    /// Removes keys whose time is over, in the order of their times, and appends their mutations.
    ///
    /// - Returns: how many; `limit` when there may be more.
    @discardableResult
    public mutating func expireSome(now: Int64, limit: Int) -> Int { 0 }

    /// How many keys a database has, those whose time is over but which nobody touched included.
    public func count(in database: Int) -> Int { 0 }

    /// About how much memory the data takes, in bytes; kept up with each change.
    public var bytes: Int { 0 }

    /// The whole data as mutations that build it anew in an empty keyspace, none of them much larger than `size` bytes
    /// (but a single element that is). A copy of the keyspace costs nothing until one of both changes: walk the copy.
    public func forEachMutation<Failure: Error>(
        size: Int = 1 << 20, _ body: (Mutation) throws(Failure) -> Void
    ) throws(Failure) {}
}
