import Testing

@testable import MartletLogic

@Suite struct ScriptTests {
    private static let listLength: Bytes =
        "\n\t\tlocal listName = KEYS[1]\n\t\tlocal listType = redis.call('type', listName).ok\n\t\tlocal cmd = {\n"
        + "\t\t\tzset = 'zcard',\n\t\t\tset = 'scard',\n\t\t\tlist = 'llen',\n\t\t\thash = 'hlen',\n"
        + "\t\t\tnone = 'llen'\n\t\t}\n\n\t\treturn redis.call(cmd[listType], listName)\n\t"

    @Test func aScriptIsLoadedBeforeItRunsByItsName() {
        let bench = BrokerBench()
        let sha1: Bytes = "ef7a9e205fbaf46bf959e1522ff796622fc676c7"
        let run: [Bytes] = ["EVALSHA", sha1, "2", "_kombu.binding.x", "_kombu.binding_deadlines", "m", "x", "3600000"]
        #expect(bench.answer(1, run) == BrokerRefusal.noScript)
        let text: Bytes =
            "\nredis.call('SADD', KEYS[1], ARGV[1])\nlocal now = redis.call('TIME')\n"
            + "local ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)\n"
            + "redis.call('ZADD', KEYS[2], 'GT', ms + tonumber(ARGV[3]), ARGV[2])\n"
        #expect(bench.answer(1, ["SCRIPT", "LOAD", text]) == .bulk(sha1))
        #expect(bench.answer(1, ["SCRIPT", "EXISTS", sha1, "00"]) == .array([.integer(1), .integer(0)]))
        #expect(bench.answer(1, run)?.isError == false)
        #expect(bench.answer(1, "SISMEMBER _kombu.binding.x m") == .integer(1))
        #expect(bench.answer(1, "ZSCORE _kombu.binding_deadlines x") == .double(4_600_000))
        #expect(bench.answer(1, "SCRIPT FLUSH") == .ok)
        #expect(bench.answer(1, run) == BrokerRefusal.noScript)
    }

    @Test func scalersAskForTheLengthOfWhatever() {
        let bench = BrokerBench()
        bench.say(1, "LPUSH a x y z")
        #expect(bench.answer(1, ["EVAL", Self.listLength, "1", "a"]) == .integer(3))
        #expect(bench.answer(1, ["EVAL", Self.listLength, "1", "none"]) == .integer(0))
    }

    @Test func anotherScriptIsRefusedWithTheRemedy() {
        let bench = BrokerBench()
        #expect(bench.answer(1, ["EVAL", "return 1", "0"])?.errorText.contains("use a Redis server") == true)
        #expect(bench.answer(1, ["SCRIPT", "LOAD", "return 1"])?.errorText.contains("use a Redis server") == true)
        #expect(bench.answer(1, ["EVALSHA", "00", "0"]) == BrokerRefusal.noScript)
    }

    @Test(arguments: [("-1", "negative"), ("2", "greater"), ("x", "integer")])
    func theNumberOfKeysIsChecked(_ count: String, _ word: String) {
        let answer = BrokerBench().answer(1, ["EVAL", Self.listLength, Bytes(count), "a"])
        #expect(answer?.errorText.contains(word) == true)
    }
}

private func + (left: Bytes, right: String) -> Bytes { Bytes(left.array + Array(right.utf8)) }
