import Testing

@testable import MartletLogic

@Suite struct TransactionTests {
    @Test func commandsRunTogetherAndAnswerTogether() {
        let bench = BrokerBench()
        #expect(bench.answer(1, "MULTI") == .ok)
        #expect(bench.answer(1, "SET a 1") == .simple("QUEUED"))
        #expect(bench.answer(1, "INCR a") == .simple("QUEUED"))
        #expect(bench.answer(2, "GET a") == .null, "nothing ran yet")
        #expect(bench.answer(1, "PING") == .simple("QUEUED"))
        #expect(bench.answer(1, "EXEC") == .array([.ok, .integer(2), .simple("PONG")]))
    }

    @Test func anErrorWhileRunningStopsNothing() {
        let bench = BrokerBench()
        bench.say(1, "SET a text")
        bench.say(1, "MULTI")
        bench.say(1, "INCR a")
        bench.say(1, "SET b 1")
        guard case .array(let answers)? = bench.answer(1, "EXEC") else { return #expect(Bool(false)) }
        #expect(answers.map(\.isError) == [true, false])
    }

    @Test(arguments: ["NONSENSE", "GET", "SUBSCRIBE a"])
    func aRefusedCommandSpoilsTheWhole(_ command: String) {
        let bench = BrokerBench()
        bench.say(1, "MULTI")
        bench.say(1, "SET a 1")
        #expect(bench.answer(1, command)?.isError == true)
        #expect(bench.answer(1, "EXEC") == BrokerRefusal.execAbort)
        #expect(bench.answer(1, "GET a") == .null)
    }

    @Test func whatIsDiscardedNeverRan() {
        let bench = BrokerBench()
        bench.say(1, "MULTI")
        bench.say(1, "SET a 1")
        #expect(bench.answer(1, "DISCARD") == .ok)
        #expect(bench.answer(1, "GET a") == .null)
        #expect(bench.answer(1, "EXEC")?.errorText == "ERR EXEC without MULTI")
        #expect(bench.answer(1, "DISCARD")?.errorText == "ERR DISCARD without MULTI")
    }

    @Test func multiAndWatchAreNotNested() {
        let bench = BrokerBench()
        bench.say(1, "MULTI")
        #expect(bench.answer(1, "MULTI")?.isError == true)
        #expect(bench.answer(1, "WATCH a")?.isError == true)
        #expect(bench.answer(1, "EXEC") == .array([]))
    }

    @Test(arguments: [
        "SET a 2", "DEL a", "FLUSHDB", "FLUSHALL", "RENAME a b", "RENAME c a", "APPEND a x", "PEXPIRE a 100000",
        "COPY c a REPLACE", "GETDEL a",
    ])
    func aWatchedKeyThatChangedCallsTheTransactionOff(_ change: String) {
        let bench = BrokerBench()
        bench.say(2, "MSET a 1 c 3")
        bench.say(1, "WATCH a")
        bench.say(2, change)
        bench.say(1, "MULTI")
        bench.say(1, "SET d 1")
        #expect(bench.answer(1, "EXEC") == .nullArray)
        #expect(bench.answer(1, "GET d") == .null)
        bench.say(1, "MULTI")
        #expect(bench.answer(1, "EXEC") == .array([]), "a transaction ends the watch")
    }

    @Test(arguments: ["GET a", "SET b 1", "EXPIRE none 5", "DEL none"])
    func otherCommandsDoNot(_ command: String) {
        let bench = BrokerBench()
        bench.say(2, "MSET a 1 c 3")
        bench.say(1, "WATCH a")
        bench.say(2, command)
        bench.say(1, "MULTI")
        #expect(bench.answer(1, "EXEC") == .array([]))
    }

    @Test func oneOwnChangesCountToo() {
        let bench = BrokerBench()
        bench.say(1, "WATCH a")
        bench.say(1, "SET a 1")
        bench.say(1, "MULTI")
        #expect(bench.answer(1, "EXEC") == .nullArray)
    }

    @Test func aKeyWhoseTimeIsOverHasChanged() {
        let bench = BrokerBench()
        bench.say(1, "SET a 1 PX 100")
        bench.say(1, "WATCH a")
        bench.now += 200
        bench.say(1, "MULTI")
        #expect(bench.answer(1, "EXEC") == .nullArray)
    }

    @Test func whatIsNoLongerWatchedMayChange() {
        let bench = BrokerBench()
        bench.say(1, "WATCH a")
        bench.say(2, "SET a 1")
        #expect(bench.answer(1, "UNWATCH") == .ok)
        bench.say(1, "MULTI")
        #expect(bench.answer(1, "EXEC") == .array([]))
        #expect(bench.machine.watchers.isEmpty)
    }

    @Test func watchersThatLeaveAreForgotten() {
        let bench = BrokerBench()
        bench.say(1, "WATCH a b")
        bench.leave(1)
        #expect(bench.machine.watchers.isEmpty)
    }

    @Test func aTransactionIsBounded() {
        let bench = BrokerBench { $0.maximumTransaction = 2 }
        bench.say(1, "MULTI")
        bench.say(1, "SET a 1")
        bench.say(1, "SET b 1")
        #expect(bench.answer(1, "SET c 1")?.isError == true)
        #expect(bench.answer(1, "EXEC") == BrokerRefusal.execAbort)
    }

    @Test func soAreItsBytes() {
        let bench = BrokerBench { $0.maximumTransactionBytes = 10 }
        bench.say(1, "MULTI")
        #expect(bench.answer(1, "SET a 12345") == .simple("QUEUED"))
        #expect(bench.answer(1, "SET a 12345")?.isError == true)
        #expect(bench.answer(1, "EXEC") == BrokerRefusal.execAbort)
    }

    @Test func anExecutionWithArgumentsIsRefusedInTheSameWordsWithoutATransaction() {
        #expect(BrokerBench().answer(1, "EXEC now")?.errorText.hasPrefix("EXECABORT") == true)
    }

    @Test func aPingWithTooManyArgumentsIsRefusedWhereItRuns() {
        let bench = BrokerBench()
        let refusal = BrokerRefusal.wrongCount("ping")
        #expect(bench.answer(1, "PING a b") == refusal)
        bench.say(1, "MULTI")
        #expect(bench.answer(1, "PING a b") == .simple("QUEUED"))
        #expect(bench.answer(1, "EXEC") == .array([refusal]))
    }

    @Test func anExecutionWithArgumentsEndsTheTransaction() {
        let bench = BrokerBench()
        bench.say(1, "MULTI")
        bench.say(1, "SET a 1")
        #expect(bench.answer(1, "EXEC now")?.errorText.hasPrefix("EXECABORT") == true)
        #expect(bench.answer(1, "EXISTS a") == .integer(0))
    }
}
