/// Scripts that take messages off lists on which they wait and put them back there, and the count of their failures.
extension OwnScript {
    /// How often deliveries of a message failed: since the last turn, or since the one before. What no script of ours
    /// ended stays noted until two turns have passed.
    static let failures = #"""
        local function failures_of(tag)
          return tonumber(redis.call('HGET', KEYS[5], tag) or redis.call('HGET', KEYS[5] .. '.old', tag) or 0)
        end
        local function count_failure(tag)
          redis.call('HSET', KEYS[5], tag, failures_of(tag) + 1)
        end
        local function turn_failures()
          if not redis.call('SET', KEYS[5] .. '.turn', '1', 'NX', 'EX', 86400) then return end
          redis.call('DEL', KEYS[5] .. '.old')
          if redis.call('EXISTS', KEYS[5]) == 1 then redis.call('RENAME', KEYS[5], KEYS[5] .. '.old') end
        end

        """#

    static let withdrawText = #"""
        local answers = {}
        for at = 1, #ARGV, 5 do
          local tag, key = ARGV[at], ARGV[at + 1]
          local removed = redis.pcall('LREM', KEYS[6], -1, ARGV[at + 4])
          if removed == 1 then
            if key ~= '' and state_of(key) ~= 'SUCCESS' then store(key, ARGV[at + 2], ARGV[at + 3]) end
            redis.call('HDEL', KEYS[5], tag)
          end
          answers[#answers + 1] = removed
        end
        return answers
        """#

    // Marks are put into the text: what cjson reads and writes again is not the same (an empty list becomes an object).
    static let restoreText = #"""
        local function again(message)
          if string.find(message, '"redelivered":%s*true') then return message end
          local marked = string.gsub(message, '"redelivered":%s*false', '"redelivered": true')
          if marked ~= message then return marked end
          local count
          marked, count = string.gsub(marked, '("headers":%s*){%s*}', '%1{"redelivered": true}', 1)
          if count == 0 then marked = string.gsub(marked, '("headers":%s*{)', '%1"redelivered": true, ', 1) end
          return (string.gsub(marked, '("delivery_info":%s*{)', '%1"redelivered": true, ', 1))
        end
        local function priority(message)
          local is_json, envelope = pcall(cjson.decode, message)
          local properties = is_json and type(envelope) == 'table' and envelope.properties
          local value = type(properties) == 'table' and tonumber(properties.priority) or 0
          for _, step in ipairs({9, 6, 3}) do
            if value >= step then return '\6\22' .. step end
          end
          return ''
        end
        local function list_of(message, exchange, key)
          local prefix = string.sub(KEYS[1], 1, -8)
          if exchange == '' then return prefix .. key .. priority(message) end
          for _, member in ipairs(redis.call('SMEMBERS', prefix .. '_kombu.binding.' .. exchange)) do
            local bound, queue = string.match(member, '^(.-)\6\22.-\6\22(.+)$')
            if bound == key then return prefix .. queue .. priority(message) end
          end
        end
        local function end_of(tag)
          redis.call('ZREM', KEYS[2], tag)
          redis.call('HDEL', KEYS[1], tag)
          redis.call('HDEL', KEYS[3], tag)
        end
        turn_failures()
        local now, lost = tonumber(redis.call('TIME')[1]), {}
        local overdue = redis.call(
          'ZRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[1]), 'WITHSCORES', 'LIMIT', 0, 10000)
        for at = 1, #overdue, 2 do
          if #lost >= tonumber(ARGV[3]) then break end
          local tag, score = overdue[at], tonumber(overdue[at + 1])
          local lease = redis.call('HGET', KEYS[3], tag)
          if lease or score <= now - tonumber(ARGV[2]) then
            local note = redis.call('HGET', KEYS[1], tag)
            if not note then
              end_of(tag)
            else
              local message, exchange, key = string.match(note, '^%s*%[(.*),%s*("[^"]*"),%s*("[^"]*")%s*%]%s*$')
              local list
              if message and lease then
                list = string.sub(lease, string.find(lease, ' ', 1, true) + 1)
              elseif message then
                exchange, key = unpack(cjson.decode('[' .. exchange .. ',' .. key .. ']'))
                list = list_of(message, exchange, key)
              end
              if list then lost[#lost + 1] = {tag, list, message, lease} end
            end
          end
        end
        for at = #lost, 1, -1 do
          local tag, list, message, lease = unpack(lost[at])
          end_of(tag)
          if lease then count_failure(tag) end
          local pushed = redis.pcall('RPUSH', list, again(message))
          if type(pushed) == 'table' then redis.call('LPUSH', dead_letters(list), message) end
        end
        return #lost
        """#
}
