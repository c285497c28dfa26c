import Testing

@testable import MartletLogic

/// What Martlet's own workers do to messages, natively.
@Suite struct OwnScriptTests {
    private let done = Answer.array([.integer(1)])
    private let lost = Answer.array([.integer(0)])

    private func bench(_ change: (inout BrokerPolicy) -> Void = { _ in }) -> BrokerBench {
        let bench = BrokerBench(change)
        bench.bind("q")
        bench.say(1, "LPUSH q {t1,a,0} {t2,b,0} {t3,c,0}")
        return bench
    }

    // MARK: Taking

    @Test func takingPopsAndWritesDownInOneStep() {
        let bench = bench()
        let taken = bench.take(2, by: 2)
        #expect(taken?.lease == 1)
        #expect(
            taken?.messages == [
                .init(list: 1, tag: "t1", deliveries: 1, message: "{t1,a,0}"),
                .init(list: 1, tag: "t2", deliveries: 1, message: "{t2,b,0}"),
            ])
        #expect(bench.list("q") == ["{t3,c,0}"])
        #expect(bench.answer(1, "HGET unacked t1") == .bulk("[{t1,a,0}]"))
        #expect(bench.answer(1, "ZSCORE unacked_index t2") == .double(Double(bench.now) / 1000))
        #expect(bench.answer(1, "HGET martlet.leases t1") == .bulk("1 q"))
        #expect(bench.answer(1, "INFO queues")?.asBytes?.text.contains("messages_taken:2") == true)
        #expect(bench.take(5, by: 3)?.lease == 2)
        #expect(bench.take(5, by: 3) == nil)
    }

    @Test func listsAreEmptiedInTheirOrder() {
        let bench = bench()
        bench.say(1, "LPUSH urgent {u1,a,0}")
        let taken = bench.take(2, from: ["none", "urgent", "q"], by: 2)
        #expect(taken?.messages.map(\.tag) == ["u1", "t1"])
        #expect(taken?.messages.map(\.list) == [2, 3])
        #expect(bench.answer(1, "HGET martlet.leases u1") == .bulk("1 urgent"))
    }

    @Test func moreThanOneStepTakesAreTakenInOrder() {
        let bench = BrokerBench()
        for number in 1...100 { bench.say(1, "LPUSH q {t\(number),a,0}") }
        #expect(bench.take(70, by: 2)?.messages.map(\.tag) == (1...70).map { "t\($0)" })
        #expect(bench.take(70, by: 2)?.messages.map(\.tag) == (71...100).map { "t\($0)" })
    }

    @Test func whatIsNoMessageIsPutAsideAndStandsInNobodysWay() {
        let bench = BrokerBench()
        bench.say(1, "LPUSH q text {t1,a,0}")
        #expect(bench.take(1, by: 2)?.messages.map(\.tag) == ["t1"])
        #expect(bench.list("q.dead") == ["text"])
    }

    @Test func aListOfAnotherTypeIsToldWhenThereIsNothingElse() {
        let bench = BrokerBench()
        bench.say(1, "SET q text")
        #expect(bench.script(.take, lists: ["q"], ["1"], by: 2).errorText.hasPrefix("WRONGTYPE"))
        bench.say(1, "LPUSH p {t1,a,0}")
        #expect(bench.take(5, from: ["q", "p"], by: 2)?.messages.map(\.tag) == ["t1"])
    }

    @Test func whatIsTakenReturnsWhenItsConnectionEndsAndTheLeaseIsLost() {
        let bench = bench()
        let lease = bench.take(2, by: 2)?.lease ?? 0
        #expect(bench.leave(2) == [.note(.returned(count: 2, database: 0))])
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0,again}", "{t1,a,0,again}"])
        for key in ["unacked", "martlet.leases"] { #expect(bench.answer(1, "HLEN \(key)") == .integer(0)) }
        #expect(bench.answer(1, "ZCARD unacked_index") == .integer(0))
        #expect(bench.finish("t1", lease, result: ("r", "{}"), by: 3) == lost)
        #expect(bench.renew("t1", lease, by: 3) == lost)
        #expect(bench.giveBack("t1", lease, "RPUSH", "{t1,a,0,again}", by: 3) == lost)
        #expect(bench.script(.bury, ["t1", BrokerBench.lease(lease), "{t1,a,0}"], by: 3) == lost)
        #expect(bench.answer(1, "EXISTS r q.dead") == .integer(0))
        #expect(bench.list("q").count == 3)
        let again = bench.take(1, by: 3)
        #expect(again?.messages.first?.deliveries == 2)
        #expect(bench.finish("t1", lease, by: 2) == lost, "the old lease is another one")
        #expect(bench.finish("t1", again?.lease ?? 0, by: 3) == done)
    }

    @Test func aPoisonousMessageIsPutAsideAfterTooManyDeliveries() {
        let bench = bench { ($0.maximumDeliveries, $0.failuresBeforeDelay) = (3, 9) }
        for (delivery, id) in (10..<13).enumerated() {
            #expect(bench.take(1, by: Int64(id))?.messages.first?.deliveries == Int64(delivery + 1))
            bench.leave(Int64(id))
        }
        #expect(bench.list("q.dead") == ["{t1,a,0,again}"])
        #expect(bench.take(1, by: 2)?.messages.first?.tag == "t2")
    }

    // MARK: Finishing

    @Test func finishingStoresAnnouncesAndAcknowledges() {
        let bench = bench()
        bench.say(5, "SUBSCRIBE r")
        let lease = bench.take(1, by: 2)?.lease ?? 0
        let words: [Bytes] = ["t1", BrokerBench.lease(lease), "r", "60", "{}", "", "", "0"]
        let keys = OwnScript.keys(prefix: "").map { Bytes($0) }
        bench.say(2, ["SCRIPT", "LOAD", Bytes(OwnScript.finish.text)])
        let effects = bench.say(2, ["EVALSHA", OwnScript.finish.sha1, "5"] + keys + words)
        #expect(
            effects == [
                .push(ClientID(5), .array([.bulk("message"), .bulk("r"), .bulk("{}")]), .two),
                .reply(ClientID(2), done, .two),
            ])
        #expect(bench.answer(1, "GET r") == .bulk("{}"))
        #expect(bench.answer(1, "TTL r") == .integer(60))
        for key in ["unacked", "martlet.leases"] { #expect(bench.answer(1, "HLEN \(key)") == .integer(0)) }
        #expect(bench.answer(1, "ZCARD unacked_index") == .integer(0))
        #expect(bench.leave(2) == [], "nothing is left to return")
        #expect(bench.finish("t1", lease, by: 3) == lost, "once only")
    }

    @Test(arguments: [#"{"status": "SUCCESS", "result": 1}"#, #"{"status":"SUCCESS","result":1}"#])
    func aSuccessIsNeverOverwritten(success: String) {
        let bench = bench()
        bench.say(1, ["SET", "r", Bytes(success)])
        let lease = bench.take(1, by: 2)?.lease ?? 0
        #expect(bench.finish("t1", lease, result: ("r", "other"), by: 2) == done)
        #expect(bench.answer(1, "GET r") == .bulk(Bytes(success)))
        #expect(bench.answer(1, "HLEN unacked") == .integer(0))
    }

    @Test func otherStatesAreOverwrittenForEverIfNeedBe() {
        let bench = bench()
        bench.say(1, ["SET", "r", #"{"status": "RETRY", "result": "\"status\": \"SUCCESS\""}"#])
        let lease = bench.take(1, by: 2)?.lease ?? 0
        #expect(bench.finish("t1", lease, result: ("r", "new"), seconds: "0", by: 2) == done)
        #expect(bench.answer(1, "GET r") == .bulk("new"))
        #expect(bench.answer(1, "TTL r") == .integer(-1))
    }

    @Test func whatFollowsIsPublishedInTheSameStepAndHeldUntilItsTime() {
        let bench = bench()
        let lease = bench.take(1, by: 2)?.lease ?? 0
        #expect(
            bench.finish(
                "t1", lease, result: ("r", "{}"), publishing: ["next", "{n1,a,0}", "q", Bytes("{t9,a,\(bench.now + 500)}")],
                by: 2) == done)
        #expect(bench.list("next") == ["{n1,a,0}"])
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}"])
        bench.pass(milliseconds: 500)
        #expect(bench.list("q").first?.hasPrefix("{t9") == true)
    }

    @Test func whatCannotBePublishedIsToldAndTheMessageStaysTaken() {
        let bench = bench()
        bench.say(1, "SET next text")
        let lease = bench.take(2, by: 2)?.lease ?? 0
        let text = BrokerBench.lease(lease)
        let answer = bench.script(
            .finish,
            [
                "t1", text, "r", "60", "{}", "", "", "1", "next", "{n1,a,0}", "t2", text, "", "0", "", "", "", "0",
            ], by: 2)
        guard case .array(let verdicts) = answer, verdicts.count == 2 else {
            Issue.record("\(answer)")
            return
        }
        #expect(verdicts[0].errorText.hasPrefix("WRONGTYPE"))
        #expect(verdicts[1] == .integer(1))
        #expect(bench.answer(1, "EXISTS r") == .integer(0))
        #expect(bench.answer(1, "HEXISTS unacked t1") == .integer(1))
    }

    @Test(arguments: [["t1"], ["t1", "1 q", "", "0", "", "", "", "2", "a"], ["t1", "1 q", "", "0", "", "", "", "-1"]])
    func wordsThatDoNotFitAreRefused(arguments: [String]) {
        let bench = bench()
        bench.take(1, by: 2)
        #expect(bench.script(.finish, arguments.map { Bytes($0) }, by: 2) == BrokerRefusal.syntax)
        #expect(bench.answer(1, "HLEN unacked") == .integer(1))
    }

    @Test func aFullBrokerIsEmptiedAllTheSame() {
        let bench = bench { $0.maximumBytes = 2000 }
        let lease = bench.take(1, by: 2)?.lease ?? 0
        bench.say(1, "SET large \(String(repeating: "x", count: 4000))")
        #expect(bench.script(.take, lists: ["q"], ["1"], by: 2).errorText.hasPrefix("OOM"))
        #expect(bench.finish("t1", lease, result: ("r", "{}"), by: 2) == done)
    }

    @Test func whatStatesSayOfThemselvesIsNoState() {
        let bench = bench()
        bench.say(1, ["SET", "r", #"{"status": "PROGRESS", "result": {"status": "SUCCESS"}}"#])
        let lease = bench.take(1, by: 2)?.lease ?? 0
        #expect(bench.finish("t1", lease, result: ("r", "new"), by: 2) == done)
        #expect(bench.answer(1, "GET r") == .bulk("new"))
    }

    @Test func ofWhatFollowsAllIsPublishedOrNothing() {
        let bench = bench()
        bench.say(1, "SET text x")
        let lease = bench.take(1, by: 2)?.lease ?? 0
        for second in [["text", "{n2,a,0}"], ["q", "no message"]] as [[Bytes]] {
            let answer = bench.finish("t1", lease, publishing: ["next", "{n1,a,0}"] + second, by: 2)
            #expect(answer != done)
            #expect(bench.list("next") == [], "it is told again, and would be there twice")
        }
        #expect(bench.answer(1, "HEXISTS unacked t1") == .integer(1))
    }

    // MARK: States on the way

    @Test func aStateIsStoredAndAnnouncedWhileTheLeaseHolds() {
        let bench = bench()
        bench.say(5, "SUBSCRIBE r")
        let lease = bench.take(1, by: 2)?.lease ?? 0
        let state: Bytes = #"{"status": "PROGRESS", "result": 1}"#
        bench.say(2, ["SCRIPT", "LOAD", Bytes(OwnScript.tell.text)])
        let keys = OwnScript.keys(prefix: "").map { Bytes($0) }
        let words: [Bytes] = ["t1", BrokerBench.lease(lease), "r", "60", state, "SUCCESS"]
        let effects = bench.say(2, ["EVALSHA", OwnScript.tell.sha1, "5"] + keys + words)
        #expect(
            effects == [
                .push(ClientID(5), .array([.bulk("message"), .bulk("r"), .bulk(state)]), .two),
                .reply(ClientID(2), done, .two),
            ])
        #expect(bench.answer(1, "TTL r") == .integer(60))
        #expect(bench.answer(1, "HLEN unacked") == .integer(1), "it goes on")
    }

    @Test func aStateOfWhoLostTheLeaseIsNotStored() {
        let bench = bench()
        let former = bench.take(1, by: 2)?.lease ?? 0
        bench.leave(2)
        #expect(bench.tell("t1", former, "r", "{}", by: 3) == lost)
        let present = bench.take(1, by: 3)?.lease ?? 0
        #expect(bench.tell("t1", former, "r", "{}", by: 2) == lost)
        #expect(bench.answer(1, "EXISTS r") == .integer(0))
        let success: Bytes = #"{"status": "SUCCESS", "result": 1}"#
        #expect(bench.finish("t1", present, result: ("r", success), by: 3) == done)
        #expect(bench.tell("t1", present, "r", "{}", by: 3) == lost)
        #expect(bench.answer(1, "GET r") == .bulk(success))
    }

    @Test(arguments: [
        (#"{"status": "SUCCESS"}"#, false), (#"{"status":"REVOKED"}"#, false), (#"{"status": "FAILURE"}"#, true),
        (#"{"status": "SUCC"}"#, true), (#"{"status": "PROGRESS", "result": {"status": "SUCCESS"}}"#, true),
        (#"{"status": "unended"#, true), ("text", true),
    ]) func statesThatStayAreNamed(stored: String, isReplaced: Bool) {
        let bench = BrokerBench()
        bench.say(1, ["SET", "r", Bytes(stored)])
        #expect(bench.tell("", 0, "r", "new", keeping: "SUCCESS REVOKED", by: 2) == (isReplaced ? done : lost))
        #expect(bench.answer(1, "GET r") == .bulk(isReplaced ? "new" : Bytes(stored)))
    }

    @Test func withdrawingTakesAMessageOutAndStoresItsEndOrDoesNothing() {
        let bench = bench()
        bench.say(5, "SUBSCRIBE r")
        let words: [Bytes] = ["t2", "r", "60", "{}", "{t2,b,0}"]
        #expect(bench.script(.withdraw, lists: ["q"], words, by: 2) == done)
        #expect(bench.list("q") == ["{t3,c,0}", "{t1,a,0}"])
        #expect(bench.answer(1, "GET r") == .bulk("{}"))
        #expect(bench.answer(1, "TTL r") == .integer(60))
        bench.say(1, "DEL r")
        #expect(bench.script(.withdraw, lists: ["q"], words, by: 2) == lost, "somebody has it")
        #expect(bench.answer(1, "EXISTS r") == .integer(0))
        #expect(bench.script(.withdraw, lists: ["q"], ["t1", "", "0", "", "{t1,a,0}"], by: 2) == done)
        #expect(bench.list("q") == ["{t3,c,0}"])
    }

    @Test func aSuccessStaysWhenItsMessageIsWithdrawn() {
        let bench = bench()
        let success = #"{"status": "SUCCESS"}"#
        bench.say(1, ["SET", "r", Bytes(success)])
        #expect(bench.script(.withdraw, lists: ["q"], ["t2", "r", "60", "{}", "{t2,b,0}"], by: 2) == done)
        #expect(bench.answer(1, "GET r") == .bulk(Bytes(success)), "it was served again after it ran")
    }

    @Test func whatWaitsForItsTimeIsWithdrawn() {
        let bench = bench()
        let later = "{t9,a,\(bench.now + 60_000)}"
        bench.say(1, "LPUSH q \(later)")
        #expect(bench.answer(1, "MARTLET HELD") == .array([.bulk("q"), .integer(1)]))
        #expect(bench.script(.withdraw, lists: ["q"], ["t9", "r", "0", "{}", Bytes(later)], by: 2) == done)
        #expect(bench.answer(1, "MARTLET HELD") == .array([.bulk("q"), .integer(0)]))
        #expect(bench.answer(1, "GET r") == .bulk("{}"))
    }

    // MARK: In between

    @Test func renewingKeepsRestorersAway() {
        let bench = bench()
        let lease = bench.take(1, by: 2)?.lease ?? 0
        bench.now += 20_000
        #expect(bench.renew("t1", lease, by: 2) == done)
        #expect(bench.answer(1, "ZSCORE unacked_index t1") == .double(Double(bench.now) / 1000))
        #expect(bench.renew("t2", lease, by: 2) == lost)
        bench.now += 20_000
        #expect(bench.script(.restore, ["30", "3600", "10"], by: 3) == .integer(0))
        bench.now += 11_000
        #expect(bench.script(.restore, ["30", "3600", "10"], by: 3) == .integer(1))
        #expect(bench.list("q").last == "{t1,a,0,again}")
        #expect(bench.finish("t1", lease, by: 2) == lost)
        #expect(bench.leave(2) == [], "it was no longer its own")
        #expect(bench.take(1, by: 3)?.messages.first?.deliveries == 2)
    }

    @Test func whoRenewsHoldsItFromThenOn() {
        let bench = bench()
        let lease = bench.take(1, by: 2)?.lease ?? 0
        #expect(bench.renew("t1", lease, by: 3) == done)
        #expect(bench.leave(2) == [])
        #expect(bench.answer(1, "HLEN unacked") == .integer(1))
        #expect(bench.leave(3) == [.note(.returned(count: 1, database: 0))])
    }

    @Test func afterARestartARenewalKeepsAMessage() {
        let bench = bench()
        bench.say(1, "LPUSH other {o1,a,0}")
        let lease = bench.take(9, from: ["q", "other"], by: 2)?.lease ?? 0
        bench.restart()
        #expect(bench.renew("t1", lease, by: 7) == done)
        bench.pass(milliseconds: 30_000)
        #expect(bench.list("q") == ["{t3,c,0,again}", "{t2,b,0,again}"])
        #expect(bench.list("other") == ["{o1,a,0,again}"], "where it came from, whatever it says itself")
        #expect(bench.finish("t1", lease, by: 7) == done)
    }

    @Test func restoringLeavesCelerysWorkersAlone() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.now += 7_200_000
        #expect(bench.script(.restore, ["30", "3600", "10"], by: 4) == .integer(0))
        #expect(bench.answer(1, "HEXISTS unacked t1") == .integer(1))
    }

    @Test func restoringIsBounded() {
        let bench = bench()
        bench.take(3, by: 2)
        bench.now += 31_000
        #expect(bench.script(.restore, ["30", "3600", "2"], by: 3) == .integer(2))
        #expect(bench.script(.restore, ["30", "3600", "2"], by: 3) == .integer(1))
        #expect(bench.list("q").count == 3)
    }

    @Test func whatIsGivenBackToTheHeadIsServedNextAndHasNotFailed() {
        let bench = bench()
        let lease = bench.take(1, by: 2)?.lease ?? 0
        #expect(bench.giveBack("t1", lease, "RPUSH", "{t1,a,0,again}", by: 2) == done)
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}", "{t1,a,0,again}"])
        #expect(bench.take(1, by: 3)?.messages == [.init(list: 1, tag: "t1", deliveries: 1, message: "{t1,a,0,again}")])
        #expect(bench.leave(2) == [])
    }

    @Test func whatIsGivenBackToTheTailHasFailedAndIsPutAsideAtLast() {
        let bench = BrokerBench { $0.maximumDeliveries = 3 }
        bench.bind("q")
        bench.say(1, "LPUSH q {t1,a,0}")
        for delivery in 1...3 {
            let taken = bench.take(1, by: 2)
            #expect(taken?.messages.first?.deliveries == Int64(delivery))
            #expect(bench.giveBack("t1", taken?.lease ?? 0, "LPUSH", "{t1,a,0,again}", by: 2) == done)
        }
        #expect(bench.list("q") == [])
        #expect(bench.list("q.dead") == ["{t1,a,0,again}"])
    }

    @Test func theDeadLettersOfAllPrioritiesAreTogether() {
        let bench = BrokerBench()
        bench.say(1, ["LPUSH", "q\u{6}\u{16}9", "{t1,a,0}"])
        let lease = bench.take(1, from: ["q\u{6}\u{16}9"], by: 2)?.lease ?? 0
        let text = BrokerBench.lease(lease, list: "q\u{6}\u{16}9")
        #expect(bench.script(.bury, ["t1", text, "{t1,a,0}"], by: 2) == done)
        #expect(bench.list("q.dead") == ["{t1,a,0}"])
        #expect(bench.answer(1, "EXISTS unacked martlet.leases") == .integer(0))
    }

    // MARK: Waiting

    @Test func lookingForWorkTakesNothingAndWritesNothing() {
        let bench = bench()
        let before = bench.machine.keyspace
        #expect(bench.answer(2, "BLMOVE q q RIGHT RIGHT 1") == .bulk("{t1,a,0}"))
        #expect(bench.answer(2, "LMOVE q q LEFT LEFT") == .bulk("{t3,c,0}"))
        bench.machine.command(ClientID(2), ["BLMOVE", "q", "q", "RIGHT", "RIGHT", "1"], now: bench.now)
        #expect(bench.machine.takeMutations() == [])
        #expect(bench.machine.keyspace == before)
        #expect(bench.answer(1, "INFO queues")?.asBytes?.text.contains("messages_in_limbo:0") == true)
    }

    @Test func allWhoLookForWorkAreToldAndWhoPopsGetsIt() {
        let bench = BrokerBench()
        bench.bind("q")
        #expect(bench.answer(2, "BLMOVE q q RIGHT RIGHT 0") == nil)
        #expect(bench.answer(3, "BRPOP q 0") == nil)
        #expect(bench.answer(4, "BLMOVE q q RIGHT RIGHT 0") == nil)
        let effects = bench.say(1, "LPUSH q {t1,a,0}")
        #expect(BrokerBench.reply(to: 2, in: effects) == .bulk("{t1,a,0}"))
        #expect(BrokerBench.reply(to: 3, in: effects) == .popped("q", "{t1,a,0}"))
        #expect(BrokerBench.reply(to: 4, in: effects) == nil, "it came behind who popped")
    }

    // MARK: Names

    @Test func scriptsAreKnownByTheirText() {
        for script in OwnScript.allCases {
            #expect(OwnScript(sha1: script.sha1) == script)
            #expect(OwnScript(sha1: Bytes(script.sha1.text.uppercased())) == script)
            #expect(KnownScript(sha1: script.sha1) == nil)
        }
        #expect(Set(OwnScript.allCases.map(\.sha1)).count == OwnScript.allCases.count)
        #expect(BrokerBench().answer(1, ["EVALSHA", OwnScript.take.sha1, "0"]) == BrokerRefusal.noScript)
        #expect(OwnScript.keys(prefix: "app:").first == "app:unacked")
    }
}
