import Testing

@testable import MartletLogic

@Suite struct ConnectionCommandTests {
    @Test func withAPasswordNothingElseGoesFirst() {
        let bench = BrokerBench { $0.password = "secret" }
        #expect(bench.answer(1, "GET a") == BrokerRefusal.noAuth)
        #expect(bench.answer(1, "NONSENSE") == BrokerRefusal.noAuth)
        #expect(bench.answer(1, "AUTH wrong") == BrokerRefusal.wrongPassword)
        #expect(bench.answer(1, "AUTH secre") == BrokerRefusal.wrongPassword)
        #expect(bench.answer(1, "AUTH secrets") == BrokerRefusal.wrongPassword)
        #expect(bench.answer(1, "AUTH other secret") == BrokerRefusal.wrongPassword)
        #expect(bench.answer(1, "HELLO 3")?.errorText.hasPrefix("NOAUTH") == true)
        #expect(bench.answer(1, "AUTH secret") == .ok)
        #expect(bench.answer(1, "GET a") == .null)
        #expect(bench.answer(2, "AUTH default secret") == .ok)
        bench.say(2, "RESET")
        #expect(bench.answer(2, "GET a") == BrokerRefusal.noAuth)
    }

    @Test func helloMayAuthenticate() {
        let bench = BrokerBench { $0.password = "secret" }
        #expect(bench.answer(1, "HELLO 3 AUTH default wrong") == BrokerRefusal.wrongPassword)
        guard case .map(let pairs)? = bench.answer(1, "HELLO 3 AUTH default secret SETNAME w1") else {
            return #expect(Bool(false))
        }
        #expect(pairs.contains(Answer.Pair(.bulk("proto"), .integer(3))))
        #expect(bench.answer(1, "CLIENT GETNAME") == .bulk("w1"))
    }

    @Test func aPasswordThatNobodyAskedFor() {
        let bench = BrokerBench()
        #expect(bench.answer(1, "AUTH x")?.isError == true)
        #expect(bench.answer(1, "AUTH default x") == .ok)
    }

    @Test func helloRefusesVersionsThatItDoesNotSpeak() {
        let bench = BrokerBench()
        #expect(bench.answer(1, "HELLO 4")?.errorText.hasPrefix("NOPROTO") == true)
        #expect(bench.answer(1, "HELLO x")?.isError == true)
        #expect(bench.answer(1, "HELLO 3 NONSENSE")?.isError == true)
        #expect(bench.say(1, "PING") == [.tell(ClientID(1), .simple("PONG"), .two)])
        bench.say(1, "HELLO 3")
        #expect(bench.say(1, "PING") == [.tell(ClientID(1), .simple("PONG"), .three)])
    }

    @Test func databasesAreSelected() {
        let bench = BrokerBench()
        bench.say(1, "SET a 0")
        #expect(bench.answer(1, "SELECT 15") == .ok)
        #expect(bench.answer(1, "GET a") == .null)
        for index in ["16", "-1"] {
            #expect(bench.answer(1, "SELECT \(index)")?.errorText == "ERR DB index is out of range")
        }
        #expect(bench.answer(1, "SELECT x")?.isError == true)
    }

    @Test func aCommandThatIsNotThereNamesTheRemedy() {
        let answer = BrokerBench().answer(1, "GEOADD a 1 2 b")
        #expect(answer?.errorText.hasPrefix("ERR unknown command 'GEOADD'") == true)
        #expect(answer?.errorText.contains("use a Redis server") == true)
        #expect(BrokerBench().answer(1, ["A\r\nB"])?.errorText.contains("\n") == false)
    }

    @Test func quitAnswersAndCloses() {
        let bench = BrokerBench()
        #expect(bench.say(1, "QUIT") == [.reply(ClientID(1), .ok, .two), .close(ClientID(1))])
        #expect(bench.say(1, "PING") == [], "nothing more is heard")
    }

    @Test func clientsAreListedAndEnded() {
        let bench = BrokerBench()
        bench.say(1, "CLIENT SETNAME one")
        bench.say(2, "CLIENT SETINFO LIB-NAME redis-py")
        bench.say(3, "SUBSCRIBE a")
        let list = bench.answer(1, "CLIENT LIST")?.asBytes?.text ?? ""
        #expect(list.split(separator: "\n").count == 3)
        #expect(list.contains("name=one"))
        #expect(list.contains("lib-name=redis-py"))
        #expect(bench.answer(1, "CLIENT ID") == .integer(1))
        #expect(
            bench.say(1, "CLIENT KILL TYPE pubsub")
                == [.close(ClientID(3)), .reply(ClientID(1), .integer(1), .two)])
        #expect(bench.answer(1, "CLIENT KILL ID 77") == .integer(0))
        #expect(bench.answer(1, "CLIENT KILL 127.0.0.1:77")?.errorText == "ERR No such client")
        #expect(
            bench.say(1, "CLIENT KILL ID 1 SKIPME no")
                == [.reply(ClientID(1), .integer(1), .two), .close(ClientID(1))])
        #expect(bench.answer(2, "CLIENT MAINT_NOTIFICATIONS ON")?.isError == true)
    }

    @Test func monitorsFindWhatTheyRead() {
        let bench = BrokerBench()
        bench.say(1, "SET a 1")
        let info = bench.answer(1, "INFO")?.asBytes?.text ?? ""
        for line in ["redis_version:7.2.0", "connected_clients:1", "role:master", "db0:keys=1,", "maxmemory:"] {
            #expect(info.contains(line), "\(line)")
        }
        #expect(bench.answer(1, "INFO memory")?.asBytes?.text.contains("redis_version") == false)
        #expect(
            bench.answer(1, "CONFIG GET max*")?.asPairs.map(\.first)
                == [.bulk("maxclients"), .bulk("maxmemory"), .bulk("maxmemory-policy")])
        #expect(bench.answer(1, "CONFIG SET maxmemory 1")?.errorText.contains("martlet broker") == true)
        #expect(bench.answer(1, "TIME") == .array([.bulk("1000"), .bulk("0")]))
        #expect(bench.answer(1, "COMMAND DOCS") == .map([]))
        #expect((bench.answer(1, "COMMAND COUNT")?.asInteger ?? 0) > 100)
    }

    @Test func aSnapshotIsAskedFor() {
        let bench = BrokerBench()
        #expect(bench.say(1, "BGSAVE").contains(.snapshot))
        #expect(bench.answer(1, "LASTSAVE") == .integer(1000))
        bench.machine.saved(now: 2_000_000)
        #expect(bench.answer(1, "LASTSAVE") == .integer(2000))
    }

    @Test func aFullBrokerRefusesProducersBeforeWorkers() {
        let bench = BrokerBench { $0.maximumBytes = 4_000 }
        bench.say(1, ["SET", "a", Bytes([UInt8](repeating: 0x61, count: 4_200))])
        #expect(bench.answer(1, "LPUSH q x") == BrokerRefusal.outOfMemory)
        #expect(bench.answer(1, "HSET unacked tag x") == .integer(1))
        bench.say(1, ["SET", "b", Bytes([UInt8](repeating: 0x61, count: 4_200))])
        #expect(bench.answer(1, "HSET unacked other x") == BrokerRefusal.outOfMemory)
        #expect(bench.answer(1, "DEL a") == .integer(1))
    }

    @Test func impossibleEventsAreCounted() {
        let bench = BrokerBench()
        bench.say(1, "BRPOP a 0")
        bench.machine.command(ClientID(1), ["PING"], now: 0)
        bench.machine.command(ClientID(7), ["PING"], now: 0)
        bench.machine.closed(ClientID(7), now: 0)
        #expect(bench.machine.impossible.count == 3)
        #expect(bench.machine.takeEffects() == [])
    }

    @Test func whatABrowserSendsIsNotRead() {
        let bench = BrokerBench()
        #expect(bench.say(2, "POST / HTTP/1.1") == [.close(ClientID(2))])
        bench.say(3, "GET / HTTP/1.1")
        #expect(bench.say(3, "Host: localhost") == [.close(ClientID(3))])
        bench.say(1, "SET a 1")
        #expect(bench.say(2, "FLUSHALL") == [])
        #expect(bench.answer(1, "EXISTS a") == .integer(1))
    }
}
