extension OwnScript {
    /// In Lua, for Redis 7.
    public var text: String { header.line + body }

    private var body: String {
        switch self {
        case .take: Self.deadLetters + Self.failures + Self.takeText
        case .finish: Self.mine + Self.states + Self.finishText
        case .tell: Self.mine + Self.states + Self.tellText
        case .renew: Self.mine + Self.renewText
        case .giveBack: Self.mine + Self.deadLetters + Self.failures + Self.giveBackText
        case .bury: Self.mine + Self.deadLetters + Self.buryText
        case .withdraw: Self.states + Self.withdrawText
        case .restore: Self.deadLetters + Self.failures + Self.restoreText
        case .rate: Self.rateText
        case .claim: Self.claimText
        case .free: Self.freeText
        case .enter: Self.mine + Self.enterText
        }
    }

    /// The list of the dead letters of a list's queue: without the mark of a priority.
    private static let deadLetters = #"""
        local function dead_letters(list)
          return (string.gsub(list, '\6\22%d+$', '')) .. '.dead'
        end

        """#

    /// Whether a lease holds, and the end of it.
    private static let mine = #"""
        local function is_mine(tag, lease)
          return redis.call('HGET', KEYS[3], tag) == lease and redis.call('HEXISTS', KEYS[1], tag) == 1
        end
        local function let_go(tag)
          redis.call('ZREM', KEYS[2], tag)
          redis.call('HDEL', KEYS[1], tag)
          redis.call('HDEL', KEYS[3], tag)
        end
        local function list_of(lease)
          return string.sub(lease, string.find(lease, ' ', 1, true) + 1)
        end

        """#

    private static let takeText = #"""
        local function read(message)
          local is_json, envelope = pcall(cjson.decode, message)
          local properties = is_json and type(envelope) == 'table' and envelope.properties
          local info = type(properties) == 'table' and properties.delivery_info
          if type(info) ~= 'table' then return nil end
          local tag, exchange, key = properties.delivery_tag, info.exchange, info.routing_key
          if type(tag) ~= 'string' or tag == '' or type(exchange) ~= 'string' or type(key) ~= 'string' then
            return nil
          end
          return tag, ', ' .. cjson.encode(exchange) .. ', ' .. cjson.encode(key) .. ']', info.redelivered == true
        end
        local wanted, clock = tonumber(ARGV[1]), redis.call('TIME')
        local now = clock[1] .. '.' .. string.format('%06d', clock[2])
        local answer, lease, failure = {}, false, false
        for place = 6, #KEYS do
          if wanted <= 0 then break end
          local messages = redis.pcall('RPOP', KEYS[place], wanted)
          if messages and messages.err then
            failure = failure or messages
          elseif messages then
            for _, message in ipairs(messages) do
              local tag, origin, is_redelivered = read(message)
              if tag then
                if not lease then
                  answer[1] = redis.call('INCR', KEYS[4])
                  lease = string.format('%.0f ', answer[1])
                end
                redis.call('ZADD', KEYS[2], now, tag)
                redis.call('HSET', KEYS[1], tag, '[' .. message .. origin)
                redis.call('HSET', KEYS[3], tag, lease .. KEYS[place])
                local failures = is_redelivered and failures_of(tag) or 0
                local count = #answer
                answer[count + 1], answer[count + 2] = place - 5, tag
                answer[count + 3], answer[count + 4] = failures + 1, message
                wanted = wanted - 1
              else
                redis.call('LPUSH', dead_letters(KEYS[place]), message)
              end
            end
          end
        end
        if #answer == 0 and failure then return failure end
        return answer
        """#

    /// What is stored of a task: Celery and Martlet write the state first.
    private static let states = #"""
        local function state_of(key)
          local before = redis.pcall('GETRANGE', key, 0, 63)
          return type(before) == 'string' and string.match(before, '^{"status": ?"([^"]*)"')
        end
        local function store(key, seconds, result)
          if tonumber(seconds) > 0 then
            redis.call('SETEX', key, seconds, result)
          else
            redis.call('SET', key, result)
          end
          redis.call('PUBLISH', key, result)
        end

        """#

    private static let tellText = #"""
        local answers = {}
        for at = 1, #ARGV, 6 do
          local tag, key, stays = ARGV[at], ARGV[at + 2], false
          if tag == '' or is_mine(tag, ARGV[at + 1]) then
            local state = state_of(key)
            for name in string.gmatch(ARGV[at + 5], '%S+') do stays = stays or name == state end
            if not stays then store(key, ARGV[at + 3], ARGV[at + 4]) end
          else
            stays = true
          end
          answers[#answers + 1] = stays and 0 or 1
        end
        return answers
        """#

    private static let finishText = #"""
        local function publish(first, count)
          for index = first, first + 2 * count - 2, 2 do
            local kind = count > 1 and redis.call('TYPE', ARGV[index]).ok
            if kind and kind ~= 'none' and kind ~= 'list' then
              return redis.error_reply('WRONGTYPE Operation against a key holding the wrong kind of value')
            end
          end
          for index = first, first + 2 * count - 2, 2 do
            local pushed = redis.pcall('LPUSH', ARGV[index], ARGV[index + 1])
            if type(pushed) == 'table' then return pushed end
          end
        end
        local answers, at = {}, 1
        while at <= #ARGV do
          local tag, key, unique, count = ARGV[at], ARGV[at + 2], ARGV[at + 5], tonumber(ARGV[at + 7])
          local answer = 0
          if is_mine(tag, ARGV[at + 1]) then
            answer = publish(at + 8, count) or 1
            if answer == 1 then
              if key ~= '' and state_of(key) ~= 'SUCCESS' then store(key, ARGV[at + 3], ARGV[at + 4]) end
              if unique ~= '' and redis.pcall('GET', unique) == ARGV[at + 6] then redis.call('DEL', unique) end
              let_go(tag)
              redis.call('HDEL', KEYS[5], tag)
            end
          end
          answers[#answers + 1] = answer
          at = at + 8 + 2 * count
        end
        return answers
        """#

    private static let renewText = #"""
        local clock = redis.call('TIME')
        local now = clock[1] .. '.' .. string.format('%06d', clock[2])
        local answers = {}
        for at = 1, #ARGV, 2 do
          local holds = is_mine(ARGV[at], ARGV[at + 1])
          if holds then redis.call('ZADD', KEYS[2], now, ARGV[at]) end
          answers[#answers + 1] = holds and 1 or 0
        end
        return answers
        """#

    private static let giveBackText = #"""
        local answers = {}
        for at = 1, #ARGV, 4 do
          local tag, lease, push, message = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
          local holds = is_mine(tag, lease)
          if holds then
            let_go(tag)
            if push == 'LPUSH' then count_failure(tag) end
            local pushed = redis.pcall(push, list_of(lease), message)
            if type(pushed) == 'table' then redis.call('LPUSH', dead_letters(list_of(lease)), message) end
          end
          answers[#answers + 1] = holds and 1 or 0
        end
        return answers
        """#

    private static let buryText = #"""
        local answers = {}
        for at = 1, #ARGV, 3 do
          local tag, lease = ARGV[at], ARGV[at + 1]
          local holds = is_mine(tag, lease)
          if holds then
            let_go(tag)
            redis.call('HDEL', KEYS[5], tag)
            redis.call('HDEL', KEYS[5] .. '.old', tag)
            redis.call('LPUSH', dead_letters(list_of(lease)), ARGV[at + 2])
          end
          answers[#answers + 1] = holds and 1 or 0
        end
        return answers
        """#
}
