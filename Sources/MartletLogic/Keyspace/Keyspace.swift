import MartletBase

/// The data of the embedded broker and the commands on it, as one value.
///
/// There is no clock and no disk: time comes in as milliseconds since 1970, changes go out as mutations. Whatever
/// changes the data does so by a mutation, so a keyspace that applied all mutations of another one equals it.
///
/// Time ends a key when it is next touched, or by `expireSome`; both append a mutation.
public struct Keyspace: Sendable {
    /// The databases that clients may select. As many hidden ones stand behind them, `databaseCount` further on, for
    /// the caller's own bookkeeping; commands that name a database or touch all of them see those of clients only.
    public static let databaseCount = 16

    /// What changed since it was last taken, in order.
    public private(set) var mutations: [Mutation] = []

    /// The longest string, in bytes; `APPEND` and `SETRANGE` refuse to make a longer one.
    public var longestString = 512 << 20

    /// About how much memory the data takes, in bytes; kept up with each change.
    public internal(set) var bytes = 0

    var databases = Array(repeating: Database(), count: 2 * Self.databaseCount)
    /// What `RANDOMKEY`, `SPOP` and `SRANDMEMBER` choose by.
    var random: SplitMix64

    /// `seed` decides what `RANDOMKEY`, `SPOP` and `SRANDMEMBER` choose.
    public init(seed: UInt64 = 0) {
        random = SplitMix64(seed: seed)
    }

    /// Runs one command. A refused one changes nothing and answers an error in Redis' words.
    ///
    /// - Parameters:
    ///   - arguments: without the command's name.
    ///   - database: of clients or hidden; one that does not exist is refused.
    ///   - now: milliseconds since 1970.
    public mutating func run(
        _ command: KeyspaceCommand, _ arguments: [Bytes], in database: Int, now: Int64
    ) -> Answer {
        let call = Call(command: command, arguments: arguments, database: database, now: now)
        do throws(CommandRefusal) {
            guard databases.indices.contains(database) else { throw .databaseOutOfRange }
            guard command.accepts(arguments.count) else { throw call.wrongArgumentCount }
            return switch command.family {
            case .strings: try string(call)
            case .keys: try key(call)
            case .lists: try list(call)
            case .hashes: try hash(call)
            case .sets: try set(call)
            case .sortedSets: try sortedSet(call)
            }
        } catch {
            return error.answer
        }
    }

    /// The mutations since the last call: what a journal must keep.
    public mutating func takeMutations() -> [Mutation] {
        defer { mutations = [] }
        return mutations
    }

    /// When the next key ends, in milliseconds since 1970; nil when none does.
    public var nextExpiry: Int64? { databases.lazy.compactMap(\.nextExpiry).min() }

    /// Removes keys whose time is over, and appends their mutations.
    ///
    /// - Returns: how many; `limit` when there may be more.
    @discardableResult
    public mutating func expireSome(now: Int64, limit: Int) -> Int {
        var removed = 0
        for database in databases.indices {
            for (key, expiry) in databases[database].expiring(limit - removed) where expiry <= now {
                perform(.remove, on: key, in: database)
                removed += 1
            }
        }
        return removed
    }

    /// How many keys a database has, those whose time is over but which nobody touched included.
    public func count(in database: Int) -> Int {
        databases.indices.contains(database) ? databases[database].items.count : 0
    }

    /// Makes a change and appends it.
    mutating func perform(_ change: Mutation.Change, on key: Bytes, in database: Int) {
        let mutation = Mutation(database: database, key: key, change: change)
        let fits = apply(mutation)
        assert(fits, "a command made a change that does not fit")
        mutations.append(mutation)
    }

    /// The place of a key that is there now. One whose time is over is removed.
    mutating func find(_ key: Bytes, in database: Int, now: Int64) -> Int? {
        guard let place = databases[database].items.find(key) else { return nil }
        guard databases[database].items.entries[place].value.expiry <= now else { return place }
        perform(.remove, on: key, in: database)
        return nil
    }
}

extension Keyspace: Equatable {
    /// The same data; what was not taken yet and what random choices come next do not matter.
    public static func == (left: Keyspace, right: Keyspace) -> Bool { left.databases == right.databases }
}
