import MartletLogic
import Testing

/// Which answers wait until they are durable, and which are told at once.
@Suite struct ProvisionalAnswerTests {
    private func isToldAtOnce(_ id: Int64, _ effects: [BrokerEffect]) -> Bool? {
        for effect in effects.reversed() {
            switch effect {
            case .tell(ClientID(id), _, _): return true
            case .reply(ClientID(id), _, _): return false
            default: continue
            }
        }
        return nil
    }

    @Test(arguments: [
        "BRPOP q 1", "BLPOP q 1", "RPOP q", "LPOP q 2", "MULTI", "PING", "HSET unacked t x", "HSET own.unacked t x",
        "ZADD unacked_index 1 t", "ZREM unacked_index t", "HDEL unacked t",
    ]) func whatACrashMayTakeBackIsToldAtOnce(command: String) {
        let bench = BrokerBench()
        bench.say(9, "LPUSH q a b c")
        #expect(isToldAtOnce(1, bench.say(1, command)) == true)
    }

    @Test(arguments: [
        "LPUSH q a", "SET r x", "SETEX r 60 x", "GET r", "HSET h t x", "ZADD z 1 t", "HGET unacked t", "LRANGE q 0 -1",
        "PUBLISH r x", "RPOPLPUSH q p", "DEL q", "EVAL x 0",
    ]) func allElseWaits(command: String) {
        let bench = BrokerBench()
        bench.say(9, "LPUSH q a b c")
        #expect(isToldAtOnce(1, bench.say(1, command)) == false)
    }

    @Test func aPopThatWaitedIsToldAtOnceAndItsPushIsNot() {
        let bench = BrokerBench()
        #expect(isToldAtOnce(1, bench.say(1, "BRPOP q 1")) == nil)
        let effects = bench.say(2, "LPUSH q a")
        #expect(isToldAtOnce(1, effects) == true && isToldAtOnce(2, effects) == false)
    }

    @Test(arguments: [
        (["ZADD unacked_index 1 t", "HSET unacked t x"], true), (["ZREM unacked_index t", "HDEL unacked t"], true),
        (["HDEL unacked t", "LPUSH q t"], false), (["SETEX r 60 x", "PUBLISH r x"], false),
    ]) func aTransactionWaitsForWhatInItHasTo(commands: [String], isAtOnce: Bool) {
        let bench = BrokerBench()
        bench.say(1, "MULTI")
        for command in commands { #expect(isToldAtOnce(1, bench.say(1, command)) == true, "QUEUED says nothing") }
        #expect(isToldAtOnce(1, bench.say(1, "EXEC")) == isAtOnce)
    }
}
