/// The commands on data that the keyspace knows. What concerns connections (blocking pops, transactions, subscriptions,
/// scripts, `TIME`, `INFO`) is not here.
public enum KeyspaceCommand: String, Sendable, CaseIterable {
    // Strings
    case get, set, setex, psetex, setnx, getset, getdel, getex, mget, mset, msetnx, append, strlen
    case incr, decr, incrby, decrby, incrbyfloat, getrange, setrange
    // Keys
    case del, unlink, exists, type, expire, pexpire, expireat, pexpireat, ttl, pttl, expiretime, pexpiretime, persist
    case rename, renamenx, keys, scan, randomkey, dbsize, flushdb, flushall, swapdb, object, copy, move, touch
    // Lists
    case lpush, rpush, lpushx, rpushx, lpop, rpop, llen, lrange, lindex, lset, lrem, ltrim, linsert
    case rpoplpush, lmove, lpos
    // Hashes
    case hset, hsetnx, hmset, hget, hmget, hgetall, hdel, hexists, hlen, hkeys, hvals, hincrby, hincrbyfloat
    case hscan, hstrlen
    // Sets
    case sadd, srem, smembers, sismember, smismember, scard, spop, srandmember, sscan, sunion, sinter, sdiff, smove
    // Sorted sets
    case zadd, zrem, zscore, zmscore, zcard, zcount, zrange, zrangebyscore, zrevrange, zrevrangebyscore
    case zrank, zrevrank, zincrby, zpopmin, zpopmax, zremrangebyscore, zremrangebyrank, zscan

    /// The command of that name, in whatever case it is written.
    public static func named(_ name: Bytes) -> KeyspaceCommand? {
        guard name.count <= longestName else { return nil }
        return byName[Bytes(name.array.map(ASCII.lowercased))]
    }

    /// What a command may do to the data. A reading one may still find keys whose time is over, and remove them.
    public enum Effect: Sendable { case reads, writes }

    public var effect: Effect { shape.effect }

    /// Whether the command may make the data larger: what to refuse when memory is full.
    public var mayGrow: Bool { shape.mayGrow }

    /// Whether it may have so many arguments, its own name not counted. `Keyspace.run` asks this itself.
    public func accepts(_ count: Int) -> Bool { shape.arguments.contains(count) }

    /// The keys among its arguments. Empty for commands on the whole database and when there are too few arguments.
    public func keys(in arguments: [Bytes]) -> [Bytes] {
        guard accepts(arguments.count) else { return [] }
        switch shape.keys {
        case .none: return []
        case .first: return [arguments[0]]
        case .second: return Array(arguments.dropFirst().prefix(1))
        case .firstTwo: return Array(arguments[0...1])
        case .all: return arguments
        case .everyOther: return stride(from: 0, to: arguments.count, by: 2).map { arguments[$0] }
        }
    }

    enum Family { case strings, keys, lists, hashes, sets, sortedSets }

    var family: Family {
        switch self {
        case .get, .set, .setex, .psetex, .setnx, .getset, .getdel, .getex, .mget, .mset, .msetnx, .append, .strlen,
            .incr, .decr, .incrby, .decrby, .incrbyfloat, .getrange, .setrange:
            .strings
        case .del, .unlink, .exists, .type, .expire, .pexpire, .expireat, .pexpireat, .ttl, .pttl, .expiretime,
            .pexpiretime, .persist, .rename, .renamenx, .keys, .scan, .randomkey, .dbsize, .flushdb, .flushall, .swapdb,
            .object, .copy, .move, .touch:
            .keys
        case .lpush, .rpush, .lpushx, .rpushx, .lpop, .rpop, .llen, .lrange, .lindex, .lset, .lrem, .ltrim, .linsert,
            .rpoplpush, .lmove, .lpos:
            .lists
        case .hset, .hsetnx, .hmset, .hget, .hmget, .hgetall, .hdel, .hexists, .hlen, .hkeys, .hvals, .hincrby,
            .hincrbyfloat, .hscan, .hstrlen:
            .hashes
        case .sadd, .srem, .smembers, .sismember, .smismember, .scard, .spop, .srandmember, .sscan, .sunion, .sinter,
            .sdiff, .smove:
            .sets
        case .zadd, .zrem, .zscore, .zmscore, .zcard, .zcount, .zrange, .zrangebyscore, .zrevrange, .zrevrangebyscore,
            .zrank, .zrevrank, .zincrby, .zpopmin, .zpopmax, .zremrangebyscore, .zremrangebyrank, .zscan:
            .sortedSets
        }
    }

    private var shape: CommandShape { CommandShape.table[self] ?? CommandShape(0...0, .reads, .none) }

    private static let byName = Dictionary(
        uniqueKeysWithValues: allCases.map { (Bytes($0.rawValue), $0) })
    private static let longestName = allCases.map(\.rawValue.utf8.count).max() ?? 0
}
