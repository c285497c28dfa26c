@testable import Martlet
import MartletBase
import MartletLogic
import MartletLogic
import MartletNet
import MartletTasks
import MartletWire
import NIOCore
import Testing


@Suite struct TasksConfigurationTests {
    private func broker(_ text: String) throws -> TasksConfiguration.Broker? {
        try decoded("tasks: {broker: \(text)}\n").tasks?.broker
    }

    @Test("What holds for tasks over HTTP")
    func desk() throws {
        let usual = try #require(try decoded("tasks: {}\n").tasks)
        #expect(usual.queue == "celery" && usual.webhooks == nil && usual.wantedWorkers == 0...100)
        let text = """
            tasks:
              queue: gpu_queue
              results: 1
              events: off
              acks_as_app: on
              webhooks: {secret: s, private: on}
              autoscale: {min: 2, max: 8, wait: 1m}

            """
        let tasks = try #require(try decoded(text).tasks)
        #expect(tasks.queue == "gpu_queue" && tasks.results == 1 && !tasks.watchesEvents)
        #expect(tasks.acksAsApp && !usual.acksAsApp)
        #expect(tasks.webhooks?.secret?.exposed == "s" && tasks.webhooks?.allowsPrivateAddresses == true)
        #expect(tasks.wantedWorkers == 2...8 && tasks.wait == .seconds(60))
        #expect(!problems("tasks: {autoscale: {min: 9, max: 8}}\n").isEmpty)
        #expect(problems("tasks: {queue: celery.dead}\n").count == 1, "the broker has that name for itself")
    }

    @Test("A secret that says it is base64 has to be")
    func secrets() {
        for wrong in ["whsec_", "whsec_???", "whsec_===="] {
            #expect(problems("tasks: {webhooks: {secret: \"\(wrong)\"}}\n").count == 1)
        }
        for right in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "any text"] {
            #expect(problems("tasks: {webhooks: {secret: \"\(right)\"}}\n").isEmpty)
        }
    }

    @Test("What became of tasks is kept, unless it is not wanted")
    func history() throws {
        let usual = try #require(try decoded("tasks: {}\n").tasks?.history)
        #expect((usual.file, usual.days, usual.tasks) == (nil, 7, 1_000_000))
        #expect(try decoded("tasks: {history: off}\n").tasks?.history == nil)
        #expect(try decoded("tasks: {history: {keep: false, days: 3}}\n").tasks?.history == nil)
        #expect(try decoded("tasks: {}\n", environment: ["MARTLET_TASKS_HISTORY": "off"]).tasks?.history == nil)
        let text = "tasks: {history: {file: /data/h.sqlite, days: 30, tasks: 5000}}\n"
        let history = try #require(try decoded(text).tasks?.history)
        #expect((history.file, history.days, history.tasks) == ("/data/h.sqlite", 30, 5000))
        #expect(problems("tasks: {history: {days: 0}}\n").count == 1)
    }

    @Test("Tasks that are handed in again and again")
    func cron() throws {
        let text = """
            tasks:
              cron:
                report: {schedule: "30 2 * * mon-fri", timezone: Europe/Berlin, task: tasks.report, catch_up: all}
                tick:
                  every: 30s
                  task: tasks.tick
                  args: [1, "2", 0.5, true, null, text, [a]]
                  kwargs: {key: 7}
                  queue: q
                  priority: 3
                  expires: 1m

            """
        let tasks = try #require(try decoded(text).tasks).cron
        #expect(tasks.map(\.name) == ["report", "tick"])
        #expect(tasks.map(\.catchUp) == [.all, .once] && tasks.map(\.zone) == ["Europe/Berlin", "UTC"])
        #expect(tasks.map(\.schedule) == [.calendar(try CronSchedule("30 2 * * mon-fri")), .every(30_000)])
        let tick = try #require(tasks.last)
        #expect(tick.submission.arguments == [1, "2", .number(0.5), true, .null, "text", ["a"]])
        #expect(tick.submission.keywordArguments == ["key": 7] && tick.submission.queue == "q")
        #expect(tick.submission.priority == 3 && tick.expires == .seconds(60))
        for (word, meant) in [("none", CatchUp.skip), ("last", .once), ("all", .all)] {
            let entry = try decoded("tasks: {cron: {e: {every: 1s, task: t, catch_up: \(word)}}}\n").tasks?.cron.first
            #expect(entry?.catchUp == meant)
        }
        for wrong in [
            "task: t", "{every: 1s, schedule: \"* * * * *\", task: t}", "{every: 1s}", "{every: 1ms, task: t}",
            "{schedule: \"0 0 30 2 *\", task: t}", "{every: 1s, task: t, timezone: Middle/Earth}",
            "{every: 1s, task: t, kwargs: [1]}", "{every: 1s, task: t, catch_up: some}",
        ] {
            let entry = wrong.hasPrefix("{") ? wrong : "{\(wrong)}"
            #expect(problems("tasks: {cron: {e: \(entry)}}\n").count == 1, "\(wrong)")
        }
    }

    @Test func withoutAWordThereAreNoTasksAndWithOneTheirBrokerIsInside() throws {
        #expect(try decoded(onePool).tasks == nil)
        #expect(try decoded("tasks: {}\n").tasks?.broker == .own(BrokerConfiguration()))
        #expect(try decoded("tasks: {}\n").pools.isEmpty, "a server of tasks alone is one")
    }

    @Test func theBrokerInsideIsDescribed() throws {
        let text = "{listen: 0.0.0.0:6400, store: /data, memory: 2GiB, max_deliveries: 3, password_file: p, sync: after}"
        guard case .own(let broker)? = try broker(text) else {
            Issue.record("another broker")
            return
        }
        #expect(broker.listen == .tcp(host: "0.0.0.0", port: 6400))
        #expect(broker.store == "/data" && broker.memory == 2 << 30 && broker.maximumDeliveries == 3)
        #expect(broker.passwordFile == "p" && broker.tls == nil && broker.sync == .after)
        #expect(BrokerConfiguration().sync == .before)
    }

    @Test func aRedisIsNamedByItsURL() throws {
        let url = try RedisURL("redis://:secret@10.0.0.5:6380/2")
        #expect(try broker("{redis: \"redis://:secret@10.0.0.5:6380/2\"}") == .redis(url))
        #expect(try broker("redis://:secret@10.0.0.5:6380/2") == .redis(url))
        let variable = ["MARTLET_TASKS_BROKER": "redis://:secret@10.0.0.5:6380/2"]
        #expect(try decoded("tasks: {}\n", environment: variable).tasks?.broker == .redis(url))
    }

    @Test func noErrorShowsAPassword() {
        let found = problems("tasks: {broker: {redis: \"redsi://:secret@h\"}}\n")
        #expect(found.count == 1 && !found.joined().contains("secret"), "\(found)")
    }

    @Test(arguments: [
        ("{listen: 0.0.0.0:6379}", "password_file"), ("{listen: unix:/a}", "ADDRESS:PORT"), ("{memory: 1KiB}", "1MiB"),
        ("{max_deliveries: 0}", "at least 1"), ("{tls: {certificate: a}}", "key"),
        ("{redis: \"redis://h\", store: a}", "no place beside `redis`"), ("{nonsense: 1}", "is not a key"),
    ])
    func mistakesAreNamed(_ text: String, _ word: String) {
        let found = problems("tasks: {broker: \(text)}\n")
        #expect(found.count == 1 && found.joined().contains(word), "\(found)")
    }

    @Test func optionsOfTheBrokerFollowFromIt() throws {
        var configuration = BrokerConfiguration()
        #expect(try BrokerOptions(configuration, environment: [:]).addresses().map(\.port) == [6379, 6380])
        configuration.listen = .tcp(host: "127.0.0.1", port: 7000)
        configuration.memory = 5 << 20
        configuration.maximumDeliveries = 4
        let variables = ["MARTLET_BROKER_PASSWORD": "x"]
        let options = try BrokerOptions(configuration, environment: variables)
        #expect(try options.addresses().map(\.port) == [7000])
        let settings = try options.settings(try #require(try options.addresses().first))
        #expect(settings.policy.maximumBytes == 5 << 20 && settings.policy.maximumDeliveries == 4)
        #expect(settings.policy.password == "x" && settings.folder.hasPrefix("/"))
    }

    @Test func aReloadCannotChangeThem() throws {
        let present = try decoded("tasks: {}\n").tasks
        try FixedAtStart.check(present, against: present)
        #expect(throws: FixedAtStart.self) { try FixedAtStart.check(nil, against: present) }
        #expect(throws: FixedAtStart.self) { try FixedAtStart.check(present, against: nil) }
    }
}

@Suite struct OllamaConfigurationTests {
    private func ollama(_ text: String) throws -> OllamaConfiguration { try decoded(onePool + text).ollama }

    @Test func itIsServedWhereNothingElseIsUnlessTheFileSaysSomething() throws {
        #expect(try ollama("").serve == .free)
        #expect(try ollama("ollama: off\n").serve == .off)
        #expect(try ollama("ollama: on\n").serve == .on)
        #expect(try ollama("ollama: {models: {a: b}}\n") == OllamaConfiguration(serve: .on, models: ["a": "b"]))
        #expect(try decoded(onePool, environment: ["MARTLET_OLLAMA": "on"]).ollama.serve == .on)
    }

    @Test func aNameOfNoModelIsAMistake() {
        let text = onePool + "models: {m: chat}\nollama: {models: {a: m, b: x}}\n"
        #expect(problems(text).count == 1 && problems(text).joined().contains("no model is called \"x\""))
    }
}
