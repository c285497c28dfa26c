/// How many arguments a command takes, where its keys are, and what it may do: one table for all.
struct CommandShape: Sendable {
    enum Keys { case none, first, second, firstTwo, all, everyOther }

    var arguments: ClosedRange<Int>
    var effect: KeyspaceCommand.Effect
    var keys: Keys
    var mayGrow: Bool

    init(
        _ arguments: ClosedRange<Int>, _ effect: KeyspaceCommand.Effect, _ keys: Keys = .first, grows: Bool = false
    ) {
        self.arguments = arguments
        self.effect = effect
        self.keys = keys
        mayGrow = grows
    }

    private static func reads(_ arguments: ClosedRange<Int>, _ keys: Keys = .first) -> CommandShape {
        CommandShape(arguments, .reads, keys)
    }

    private static func writes(_ arguments: ClosedRange<Int>, _ keys: Keys = .first) -> CommandShape {
        CommandShape(arguments, .writes, keys)
    }

    private static func grows(_ arguments: ClosedRange<Int>, _ keys: Keys = .first) -> CommandShape {
        CommandShape(arguments, .writes, keys, grows: true)
    }

    private static let any = Int.max

    static let table: [KeyspaceCommand: CommandShape] = [
        .get: reads(1...1), .set: grows(2...any), .setex: grows(3...3), .psetex: grows(3...3), .setnx: grows(2...2),
        .getset: grows(2...2), .getdel: writes(1...1), .getex: writes(1...any), .mget: reads(1...any, .all),
        .mset: grows(2...any, .everyOther), .msetnx: grows(2...any, .everyOther), .append: grows(2...2),
        .strlen: reads(1...1), .incr: grows(1...1), .decr: grows(1...1), .incrby: grows(2...2), .decrby: grows(2...2),
        .incrbyfloat: grows(2...2), .getrange: reads(3...3), .setrange: grows(3...3),

        .del: writes(1...any, .all), .unlink: writes(1...any, .all), .exists: reads(1...any, .all),
        .type: reads(1...1), .expire: writes(2...any), .pexpire: writes(2...any), .expireat: writes(2...any),
        .pexpireat: writes(2...any), .ttl: reads(1...1), .pttl: reads(1...1), .expiretime: reads(1...1),
        .pexpiretime: reads(1...1), .persist: writes(1...1), .rename: writes(2...2, .firstTwo),
        .renamenx: writes(2...2, .firstTwo), .keys: reads(1...1, .none), .scan: reads(1...any, .none),
        .randomkey: reads(0...0, .none), .dbsize: reads(0...0, .none), .flushdb: writes(0...any, .none),
        .flushall: writes(0...any, .none), .swapdb: writes(2...2, .none), .object: reads(1...any, .second),
        .copy: grows(2...any, .firstTwo), .move: writes(2...2), .touch: reads(1...any, .all),

        .lpush: grows(2...any), .rpush: grows(2...any), .lpushx: grows(2...any), .rpushx: grows(2...any),
        .lpop: writes(1...any), .rpop: writes(1...any), .llen: reads(1...1), .lrange: reads(3...3),
        .lindex: reads(2...2),
        .lset: grows(3...3), .lrem: writes(3...3), .ltrim: writes(3...3), .linsert: grows(4...4),
        .rpoplpush: grows(2...2, .firstTwo), .lmove: grows(4...4, .firstTwo), .lpos: reads(2...any),

        .hset: grows(3...any), .hsetnx: grows(3...3), .hmset: grows(3...any), .hget: reads(2...2),
        .hmget: reads(2...any), .hgetall: reads(1...1), .hdel: writes(2...any), .hexists: reads(2...2),
        .hlen: reads(1...1), .hkeys: reads(1...1), .hvals: reads(1...1), .hincrby: grows(3...3),
        .hincrbyfloat: grows(3...3), .hscan: reads(2...any), .hstrlen: reads(2...2),

        .sadd: grows(2...any), .srem: writes(2...any), .smembers: reads(1...1), .sismember: reads(2...2),
        .smismember: reads(2...any), .scard: reads(1...1), .spop: writes(1...any), .srandmember: reads(1...any),
        .sscan: reads(2...any), .sunion: reads(1...any, .all), .sinter: reads(1...any, .all),
        .sdiff: reads(1...any, .all), .smove: writes(3...3, .firstTwo),

        .zadd: grows(3...any), .zrem: writes(2...any), .zscore: reads(2...2), .zmscore: reads(2...any),
        .zcard: reads(1...1), .zcount: reads(3...3), .zrange: reads(3...any), .zrangebyscore: reads(3...any),
        .zrevrange: reads(3...any), .zrevrangebyscore: reads(3...any), .zrank: reads(2...2), .zrevrank: reads(2...2),
        .zincrby: grows(3...3), .zpopmin: writes(1...any), .zpopmax: writes(1...any),
        .zremrangebyscore: writes(3...3), .zremrangebyrank: writes(3...3), .zscan: reads(2...any),
    ]
}
