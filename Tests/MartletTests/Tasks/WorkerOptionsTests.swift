import Foundation
import MartletLogic
import MartletNet
import MartletTasks
import MartletWorkers
import Testing

@testable import Martlet

@Suite struct WorkerOptionsTests {
    private func app(_ json: String) throws -> TaskAppSettings {
        try JSONDecoder().decode(TaskAppSettings.self, from: Data(json.utf8))
    }

    @Test("the broker is what the person says, else the app, else the environment, else this machine's")
    func broker() throws {
        var options = TaskServiceOptions()
        let celery = try app(#"{"kind":"celery","tasks":[],"broker_url":"redis://app:1/2"}"#)
        let variables = ["MARTLET_BROKER": "redis://variable:3/0", "CELERY_BROKER_URL": "redis://celery:4/0"]
        #expect(try options.brokerURL(celery, variables).text == "redis://app:1/2")
        #expect(try options.brokerURL(nil, variables).text == "redis://variable:3/0")
        #expect(try options.brokerURL(nil, ["CELERY_BROKER_URL": "redis://celery:4/0"]).text == "redis://celery:4/0")
        #expect(try options.brokerURL(nil, [:]).text == "redis://127.0.0.1:6379/0")
        #expect(try options.brokerURL(nil, besides: RedisURL(port: 7), variables).port == 7)
        options.broker = "redis://said:5/0"
        #expect(try options.brokerURL(celery, variables).text == "redis://said:5/0")
    }

    @Test("a broker of another kind is refused with what to do, and without its password")
    func otherBroker() throws {
        let rabbit = try app(#"{"kind":"celery","tasks":[],"broker_url":"amqp://me:secret@host//"}"#)
        #expect {
            try TaskServiceOptions().brokerURL(rabbit, [:])
        } throws: { error in
            "\(error)".contains("--broker") && !"\(error)".contains("secret")
        }
    }

    @Test("a budget and rates of queues are read, or refused")
    func budgetAndRates() throws {
        var options = TaskServiceOptions()
        let budgets = ["20", "20/week", "-1/day", "x/day"].map { options.setBudget($0, processCost: 1) }
        #expect(!budgets.contains(true))
        let free = options.setBudget("20/day", processCost: 0)
        #expect(!free)
        let isBudget = options.setBudget("20/day", processCost: 0.5)
        #expect(isBudget)
        #expect(options.budget == TaskBudget(costPerWorkerHour: 0.5, limit: 20, period: .day))
        let rates = ["q", "=10/s", "q=", "q=fast", "q=0", "q=10/m"].map { options.addQueueRate($0) }
        #expect(rates == [false, false, false, false, false, true])
        #expect(options.queueRates["q"]?.text == "10/m")
        let broker = try RedisURL("redis://localhost:6379/0")
        let settings = options.settings(nil, slots: 1, broker: broker, version: "1")
        #expect(settings.scale.budget == options.budget)
        #expect(settings.desk.queueRates == options.queueRates)
    }

    @Test("a task says its shared rate, and whether it is unique")
    func sharedRatesAndUniqueTasks() throws {
        let told = try app(
            #"{"kind":"functions","tasks":[{"name":"f","rate":"5/s"},{"name":"g","rate":"5/s","rate_key":"k","#
                + #""unique":true,"unique_until":"ttl","unique_seconds":2}]}"#)
        let tasks = told.tasks.map { TaskDescription($0, acksAsApp: false) }
        #expect(tasks.map { $0.rules.sharedRate?.key } == ["f", "k"])
        #expect(tasks.map(\.unique) == [nil, UniqueRule(until: .ttl, milliseconds: 2000)])
    }

    @Test("a Celery app's tasks are acknowledged as it says only when that is asked for; others as they say")
    func acknowledgement() throws {
        let told = try app(
            #"{"kind":"celery","tasks":[{"name":"pays","settles":true,"acks_late":false,"reject_on_worker_lost":false},"#
                + #"{"name":"late","settles":true,"acks_late":true,"reject_on_worker_lost":true},"#
                + #"{"name":"own","acks_late":false},{"name":"plain"}]}"#)
        func rules(asApp: Bool) -> [TaskRules] { told.tasks.map { TaskDescription($0, acksAsApp: asApp).rules } }
        #expect(rules(asApp: false).map(\.acksLate) == [true, true, false, true])
        #expect(rules(asApp: false).map(\.returnsWhenLost) == [true, true, true, true])
        #expect(rules(asApp: true).map(\.acksLate) == [false, true, false, true])
        #expect(rules(asApp: true).map(\.returnsWhenLost) == [false, true, true, true])
    }

    @Test("results of the app go to its own database, where it has one")
    func results() throws {
        let broker = try RedisURL("redis://localhost:6379/0")
        let seed = try app(#"{"kind":"celery","tasks":[],"result_backend":"redis://localhost:6379/1"}"#)
        #expect(TaskServiceOptions.resultsURL(seed, besides: broker)?.database == 1)
        let same = try app(#"{"kind":"celery","tasks":[],"result_backend":"redis://localhost:6379/0"}"#)
        #expect(TaskServiceOptions.resultsURL(same, besides: broker) == nil)
        let other = try app(#"{"kind":"celery","tasks":[],"result_backend":"db+sqlite:///x"}"#)
        #expect(TaskServiceOptions.resultsURL(other, besides: broker) == nil)
    }

    @Test("queues are those that are said, else the app's, else those that its tasks name, less those left out")
    func queues() throws {
        var options = TaskServiceOptions()
        let celery = try app(#"{"kind":"celery","tasks":[],"queues":[{"name":"a"},{"name":"b"}],"default_queue":"a"}"#)
        #expect(options.queues(celery) == ["a", "b"])
        let functions = try app(#"{"kind":"functions","tasks":[{"name":"f","queue":"gpu"},{"name":"g"}]}"#)
        #expect(options.queues(functions) == ["gpu"])
        #expect(options.queues(nil) == ["celery"])
        options.excludedQueues = ["a"]
        #expect(options.queues(celery) == ["b"])
        options.queues = ["x", "a"]
        #expect(options.queues(celery) == ["x"])
    }

    @Test("processes are told what the worker was told")
    func environment() {
        var options = TaskServiceOptions()
        options.broker = "redis://said:5/0"
        options.name = "w1@here"
        let variables = options.environment(["MARTLET_BROKER": "redis://variable:3/0"])
        #expect(variables["MARTLET_TASKS"] == "1" && variables["MARTLET_TASK_NODE"] == "w1@here")
        #expect(variables["MARTLET_TASK_BROKER"] == "redis://said:5/0")
        #expect(variables["MARTLET_TASK_OTHER_BROKER"] == "redis://variable:3/0")
    }

    @Test(
        "node names are Celery's", arguments: [("celery@%h", "celery@a.b.c"), ("w1", "w1@a.b.c"), ("x@%n", "x@a"),
            ("x@%d", "x@b.c"), ("50%%@%h", "50%@a.b.c"), ("x%q@y", "x%q@y")])
    func nodeName(name: String, expanded: String) {
        #expect(NodeName.expand(name, host: "a.b.c") == expanded)
    }
}
