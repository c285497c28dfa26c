import Foundation
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Testing

@testable import MartletTasks

@Suite("Tasks that are handed in again and again")
struct CronDriverTests {
    private func oneLeadsAndEachTimeIsSentOnce(_ servers: Servers) async throws {
        let (clock, a, b) = (servers.clock, servers.driver("a"), servers.driver("b"))
        for driver in [a, b] { await driver.turn(clock.now) }
        await servers.pass(240, a, b)
        #expect(try await servers.sent() == [40, 100, 160, 220].map { servers.id($0) })
        #expect(a.figures(now: clock.now().instant).entries.first?.runs == 4)
        #expect(!b.figures(now: clock.now().instant).isLeader)
        await a.close()
        await b.close()
    }

    private func aStoppedLeaderThatComesBackSendsNothing(_ servers: Servers) async throws {
        let (clock, a) = (servers.clock, servers.driver("a"))
        await a.turn(clock.now)
        // It stands still from here on, as a process that was sent SIGSTOP, between two words to the broker.
        let token = try #require(try await servers.broker.say("GET \(CronBook.fenceKey)").string.flatMap { Int64($0) })
        let old = CronBook(
            link: BrokerLink(
                servers.broker.url, on: servers.broker.loop, times: servers.broker.times, logger: LiveBroker.quiet),
            name: "a")
        try await servers.endLease()
        clock.go(45)
        let b = servers.driver("b")
        await b.turn(clock.now)
        #expect(try await servers.sent() == [servers.id(40)])
        let late = CronFiring(
            name: "e", times: [HandClock.start + 100_000], previous: HandClock.start + 40_000,
            last: HandClock.start + 100_000)
        let push = command("LPUSH", "q", "late")
        #expect(try await old.fire(late, token, [push]) == .fenced)
        #expect(try await old.renew(token, .seconds(15)) == false)
        await servers.pass(60, a, b)
        #expect(try await servers.sent() == [40, 100].map { servers.id($0) })
        #expect(try await servers.broker.say("LLEN q") == .integer(2))
        old.link.close()
        await a.close()
        await b.close()
    }

    @Test func oneServerLeadsAndEachTimeIsSentOnceOnMartletsBroker() async throws {
        try await Servers.onMartlet { try await oneLeadsAndEachTimeIsSentOnce($0) }
    }

    @Test(.enabled(if: RedisServer.isInstalled))
    func oneServerLeadsAndEachTimeIsSentOnceOnRedis() async throws {
        try await Servers.onRedis { try await oneLeadsAndEachTimeIsSentOnce($0) }
    }

    @Test func aLeaderThatWasStoppedAndComesBackSendsNothingOnMartletsBroker() async throws {
        try await Servers.onMartlet { try await aStoppedLeaderThatComesBackSendsNothing($0) }
    }

    @Test(.enabled(if: RedisServer.isInstalled))
    func aLeaderThatWasStoppedAndComesBackSendsNothingOnRedis() async throws {
        try await Servers.onRedis { try await aStoppedLeaderThatComesBackSendsNothing($0) }
    }

    @Test(arguments: [(CatchUp.skip, [340.0]), (.once, [340]), (.all, [100, 160, 220, 280, 340])])
    func timesThatWereMissedFollowTheEntrysPolicy(catchUp: CatchUp, times: [Double]) async throws {
        try await Servers.onMartlet { servers in
            let (clock, task) = (servers.clock, Servers.task(catchUp))
            let first = servers.driver("a", task)
            await first.turn(clock.now)
            await servers.pass(40, first)
            // Nobody is there for five minutes. The last time is 5 s ago then: it counts as being in time.
            await first.close()
            clock.go(305)
            let second = servers.driver("b", task)
            await second.turn(clock.now)
            #expect(try await servers.sent() == ([40] + times).map { servers.id($0) })
            let entry = try #require(second.figures(now: clock.now().instant).entries.first)
            #expect(entry.runs == UInt64(times.count) && entry.missed == UInt64(5 - times.count))
            await second.close()
        }
    }

    @Test func whoStopsLeavesTheLeadToOthersAtOnce() async throws {
        try await Servers.onMartlet { servers in
            let (clock, a) = (servers.clock, servers.driver("a"))
            await a.turn(clock.now)
            await a.close()
            let b = servers.driver("b")
            await b.turn(clock.now)
            #expect(b.figures(now: clock.now().instant).isLeader)
            await b.close()
        }
    }

    @Test func aBrokerThatRefusesLosesNoTime() async throws {
        try await Servers.onMartlet { servers in
            let (clock, a) = (servers.clock, servers.driver("a"))
            await a.turn(clock.now)
            // What is no list takes no messages.
            _ = try await servers.broker.say("SET q x")
            await servers.pass(40, a)
            _ = try await servers.broker.say("DEL q")
            await servers.pass(8, a)
            #expect(try await servers.sent() == [servers.id(40)])
            await a.close()
        }
    }

    /// Servers that ask at the same time read the same, and only one of them can be right.
    @Test func manyServersThatAskAtOnceHaveOneLeaderAndNoTrouble() async throws {
        try await Servers.onMartlet { servers in
            let books = (0..<4).map { number in
                let broker = servers.broker
                let link = BrokerLink(broker.url, on: broker.loop, times: broker.times, logger: LiveBroker.quiet)
                return CronBook(link: link, name: "\(number)")
            }
            for round in 0..<25 {
                let leaders = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for book in books {
                        group.addTask { try await book.acquire(.seconds(60), now: Int64(round)) != nil }
                    }
                    return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                #expect(leaders == 1)
                try await servers.endLease()
            }
            for book in books { book.link.close() }
        }
    }

    @Test func placesHaveTheirSummerTime() throws {
        let zone = try #require(CronZone(named: "Europe/Berlin", now: Date(timeIntervalSince1970: 1_767_225_600)))
        let schedule = try CronSchedule("30 2 * * *")
        // 28 March 2026, 12:00 UTC: the next night leaves 2:30 out, and 3:00 in summer is 1:00 UTC.
        #expect(schedule.next(after: 1_774_699_200_000, in: zone) == 1_774_746_000_000)
        #expect(CronZone(named: "Middle/Earth") == nil)
    }
}
