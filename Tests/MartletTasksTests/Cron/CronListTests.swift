import MartletBase
import MartletLogic
import MartletWire
import Testing

@testable import MartletTasks

@Suite("What people see of tasks that are handed in again and again")
struct CronListTests {
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

    @Test func theBrokerAloneTellsWhatWhoeverLeadsHas() async throws {
        try await Servers.onMartlet { servers in
            let (clock, a) = (servers.clock, servers.driver("here"))
            let desk = TaskDesk(broker: servers.broker, logger: LiveBroker.quiet)
            #expect(try await desk.cron(now: clock.now().wall) == ["leader": .null, "entries": []])
            await a.turn(clock.now)
            await servers.pass(40, a)
            let own = try await a.look(now: clock.now().wall)
            let list = try await desk.cron(now: clock.now().wall)
            #expect(list["leader"] == "here" && list["entries"] == own["entries"])
            await a.close()
        }
    }

    @Test func anEntryIsTheSameWhenTheBrokerTellsIt() throws {
        var submission = TaskSubmission(name: "tasks.report")
        (submission.arguments, submission.keywordArguments) = ([1, "a"], ["b": .null])
        (submission.queue, submission.priority) = ("q", 6)
        var task = CronTask(
            "e", .calendar(try CronSchedule("30 2 * * *")), text: "30 2 * * *", submission: submission)
        (task.zone, task.catchUp, task.expires) = ("Europe/Berlin", .all, .seconds(60))
        for task in [task, Servers.task(.skip)] {
            let note = try #require(JSONValue.parsed(task.note(queue: "q").text.utf8))
            #expect(CronTask("e", note: note) == task)
        }
        #expect(CronTask("e", note: ["schedule": "often", "submission": ["task": "t"]]) == nil)
    }

    @Test func anEntryCanBeHandedInBetweenItsTimes() async throws {
        try await Servers.onMartlet { servers in
            let (clock, a) = (servers.clock, servers.driver("here"))
            let desk = TaskDesk(broker: servers.broker, logger: LiveBroker.quiet)
            await a.turn(clock.now)
            let one = try #require(try await a.run("e", now: clock.now().wall))
            let other = try #require(try await desk.runCron("e", now: clock.now().wall))
            #expect(try await servers.sent() == [one.id, other.id])
            #expect(try await desk.task(other.id)?["name"] == "tasks.tick")
            #expect(try await a.run("nobody") == nil)
            #expect(try await desk.runCron("nobody") == nil)
            // Its own times are what they were.
            await servers.pass(40, a)
            #expect(try await servers.sent() == [one.id, other.id, servers.id(40)])
            await a.close()
        }
    }
}
