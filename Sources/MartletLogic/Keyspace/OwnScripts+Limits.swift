/// Scripts that bound what runs in all workers together.
extension OwnScript {
    static let rateText = #"""
        local clock = redis.call('TIME')
        local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
        local distance, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local kept = tonumber(redis.call('GET', KEYS[6]) or '') or now
        local following = math.min(math.max(kept, now), now + distance * burst)
        local ahead, count = distance * (burst - 1), 0
        while count < wanted and following - ahead <= now do
          following, count = following + distance, count + 1
        end
        if count > 0 then
          local milliseconds = math.ceil((following - now) / 1000) + 1000
          redis.call('PSETEX', KEYS[6], string.format('%.0f', milliseconds), string.format('%.0f', following))
        end
        return {count, math.max(following - ahead - now, 0)}
        """#

    static let claimText = #"""
        local answers = {}
        for place = 6, #KEYS do
          local id, seconds = ARGV[2 * place - 11], ARGV[2 * place - 10]
          local owner = redis.call('GET', KEYS[place])
          if not owner or owner == id then
            redis.call('SETEX', KEYS[place], seconds, id)
            owner = id
          end
          answers[#answers + 1] = owner
        end
        return answers
        """#

    static let freeText = #"""
        local count = 0
        for place = 6, #KEYS do
          if redis.pcall('GET', KEYS[place]) == ARGV[place - 5] then
            redis.call('DEL', KEYS[place])
            count = count + 1
          end
        end
        return count
        """#

    /// After so many seconds in which nobody asked for a key, nothing is known of it.
    static let placeSeconds = 604_800

    static let enterText = #"""
        local answers = {}
        for place = 6, #KEYS do
          local tag, lease, limit = ARGV[3 * place - 17], ARGV[3 * place - 16], tonumber(ARGV[3 * place - 15])
          local held, others = redis.pcall('HGETALL', KEYS[place]), 0
          for index = 1, #held, 2 do
            if not is_mine(held[index], held[index + 1]) then
              redis.call('HDEL', KEYS[place], held[index])
            elseif held[index] ~= tag then
              others = others + 1
            end
          end
          if held.err then
            answers[#answers + 1] = held
          elseif others < limit and is_mine(tag, lease) then
            redis.call('HSET', KEYS[place], tag, lease)
            answers[#answers + 1] = 1
          else
            answers[#answers + 1] = 0
          end
          if not held.err then redis.call('EXPIRE', KEYS[place], \#(placeSeconds)) end
        end
        return answers
        """#
}
