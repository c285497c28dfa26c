import Foundation
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MartletTasks

/// A clock that goes when it is told to.
private final class HandClock: Sendable {
    private let seconds = Mutex(0.0)

    /// 20 s past a full minute, long ago.
    static let start: Int64 = 1_700_000_000_000

    func go(_ more: Double) { seconds.withLock { $0 += more } }

    func now() -> TaskTime {
        let milliseconds = Int64(seconds.withLock { $0 } * 1000)
        let start = Instant(nanoseconds: 1_000_000_000_000)
        return TaskTime(start + .milliseconds(milliseconds), wall: Self.start + milliseconds)
    }
}

/// Servers with the same entries before one broker.
private struct Servers {
    let clock = HandClock()
    let broker: TaskBroker

    func driver(_ name: String, _ task: CronTask = Servers.task()) -> CronDriver {
        let desk = TaskDesk(broker: broker, logger: LiveBroker.quiet)
        return CronDriver([task], desk: desk, name: name, now: clock.now())
    }

    static func task(_ catchUp: CatchUp = .once, every seconds: Int64 = 60) -> CronTask {
        var submission = TaskSubmission(name: "tasks.tick")
        submission.arguments = [1]
        submission.queue = "q"
        var task = CronTask("e", .every(seconds * 1000), text: "\(seconds)s", submission: submission)
        task.catchUp = catchUp
        return task
    }

    /// So many seconds pass, in which they do their work.
    func pass(_ seconds: Int, _ drivers: CronDriver...) async {
        for _ in 0..<(seconds / 4) {
            clock.go(4)
            for driver in drivers { await driver.turn(clock.now) }
        }
    }

    /// The ids of what lies on the queue, the earliest first.
    func sent() async throws -> [String] {
        let messages = try await broker.say("LRANGE q 0 -1").elements
        return messages.reversed().compactMap { $0.bytes.flatMap { WaitingTask($0) }?.id }
    }

    /// As if the lease's time were over: the broker's clock is not ours.
    func endLease() async throws {
        _ = try await broker.say("DEL \(CronBook.leaseKey)")
    }

    func id(_ seconds: Double) -> String { "cron-e-\(HandClock.start + Int64(seconds * 1000))" }

    static func onMartlet(_ body: (Servers) async throws -> Void) async throws {
        try await LiveBroker.run { live in
            let broker = live.client { ($0.connect, $0.outage) = (.seconds(60), .seconds(60)) }
            do { try await body(Servers(broker: broker)) } catch {
                await broker.close()
                throw error
            }
            await broker.close()
        }
    }

    static func onRedis(_ body: (Servers) async throws -> Void) async throws {
        try await RedisServer.run { server in
            let broker = TaskBroker.test(server.url) { ($0.connect, $0.outage) = (.seconds(60), .seconds(60)) }
            do { try await body(Servers(broker: broker)) } catch {
                await broker.close()
                throw error
            }
            await broker.close()
        }
    }
}

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

    @Test func theListSaysWhoLeadsWhatRanAndWhatComes() async throws {
        try await Servers.onMartlet { servers in
            let (clock, a) = (servers.clock, servers.driver("here"))
            await a.turn(clock.now)
            await servers.pass(40, a)
            let list = try await a.look(now: clock.now().wall)
            #expect(list["leader"] == "here")
            guard case .array(let entries)? = list["entries"], let entry = entries.first else {
                Issue.record("no entries")
                return
            }
            #expect(entry["name"] == "e" && entry["task"] == "tasks.tick" && entry["queue"] == "q")
            let (ran, comes) = (HandClock.start + 40_000, HandClock.start + 100_000)
            #expect(entry["last_run"] == .string(CeleryTime.text(milliseconds: ran)))
            #expect(entry["next_run"] == .string(CeleryTime.text(milliseconds: comes)))
            // It is a task like others.
            let task = try await TaskDesk(broker: servers.broker, logger: LiveBroker.quiet).task(servers.id(40))
            #expect(task?["state"] == "PENDING" && task?["name"] == "tasks.tick")
            await a.close()
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
