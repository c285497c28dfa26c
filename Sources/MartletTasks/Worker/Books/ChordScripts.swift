import NIOCore

/// The three steps by which a chord's parts are counted. Celery 5.7's own scripts are known by their SHA-1, which the
/// embedded broker runs natively; a Redis server that has not seen them yet is given these, which do the same to the
/// same keys.
enum ChordScript: String, CaseIterable {
    /// Adds a part once, and tells whether all are there and who is to go on.
    case part = "b8fc152c83a7e634103ccebd49dcd3146a8f4366"
    /// Keeps the claim of whoever goes on.
    case extend = "dc87180d6bcb7f73c7275eb0fe7a70baf0a8b7c7"
    /// The body was published: nobody else is to.
    case cleanup = "59d7aab41242d82196947ba8926cab712416da4f"

    /// - Returns: The command, by the SHA-1 or with the text.
    func command(keys: [String], _ arguments: [ByteBuffer], withText: Bool) -> [ByteBuffer] {
        let head = withText ? ["EVAL", text] : ["EVALSHA", rawValue]
        return (head + [String(keys.count)] + keys).map { ByteBuffer(string: $0) } + arguments
    }

    private var text: String {
        switch self {
        case .part: Self.partText
        case .extend: Self.extendText
        case .cleanup: Self.cleanupText
        }
    }

    private static let partText = #"""
        local parts, added, size, seen, group, claim = unpack(KEYS)
        if redis.call('GET', claim) == 'done' then return {-1, 0, 0, 0} end
        local task, part, is_ordered, place = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4]
        if redis.call('SADD', seen, task .. ':' .. place) == 1 then
          if is_ordered then redis.call('ZADD', parts, place, part) else redis.call('RPUSH', parts, part) end
        end
        local ready = redis.call(is_ordered and 'ZCARD' or 'LLEN', parts)
        if tonumber(ARGV[5]) > 0 then
          for _, key in ipairs({parts, added, size, seen}) do redis.call('EXPIRE', key, ARGV[5]) end
          if tonumber(ARGV[6]) > 0 then redis.call('EXPIRE', group, ARGV[6]) end
        end
        local more, wanted, claimed = redis.call('GET', added), redis.call('GET', size), 0
        if wanted and ready == tonumber(wanted) + (tonumber(more) or 0) then
          if redis.call('SET', claim, ARGV[8], 'NX', 'EX', ARGV[7]) then claimed = 1 end
        end
        return {ready, more, wanted, claimed}
        """#

    private static let extendText = #"""
        local holder = redis.call('GET', KEYS[1])
        if holder == ARGV[1] then return redis.call('EXPIRE', KEYS[1], ARGV[2]) end
        if holder or redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
        return redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2], 'NX') and 1 or 0
        """#

    private static let cleanupText = #"""
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
        if tonumber(ARGV[2]) > 0 then redis.call('SET', KEYS[1], 'done', 'EX', ARGV[2]) end
        return 1
        """#
}
