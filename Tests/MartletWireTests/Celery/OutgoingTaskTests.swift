import MartletWire
import Testing

@Suite struct OutgoingTaskTests {
    @Test func aMessageIsByteForByteThatOfCelery() throws {
        var task = OutgoingTask(
            name: "tasks.simple_task", id: "11111111-1111-4111-8111-111111111111", args: RawJSON(["Hello CPU"]))
        task.queue = "cpu_queue"
        task.replyTo = "9695095e-0841-38bd-95d6-d264dd137e8c"
        task.origin = "gen13595@vm"
        task.ignoreResult = false
        let message = task.message(deliveryTag: "81516c80-7d0d-4245-9e2f-84adc35522ca", now: 0)
        #expect(String(decoding: message, as: UTF8.self) == CapturedMessages.plain)
        #expect(task.listKey() == "cpu_queue")
    }

    @Test func aDelayedMessageIsThatOfCeleryButForMicroseconds() throws {
        let captured = CapturedMessages.delayed.replacing(".837116+", with: ".837000+")
        var task = OutgoingTask(
            name: "tasks.simple_task", id: "22222222-2222-4222-8222-222222222222", args: RawJSON(["prio"]))
        task.queue = "cpu_queue"
        task.replyTo = "9695095e-0841-38bd-95d6-d264dd137e8c"
        task.origin = "gen13595@vm"
        task.ignoreResult = false
        task.priority = 6
        let now: Int64 = 1_795_224_672_837
        task.countdown = 30_000
        task.expires = now + 300_000
        let message = task.message(deliveryTag: "feba8589-e606-4b7f-a5bf-1c1f39eb8236", now: now)
        #expect(String(decoding: message, as: UTF8.self) == captured)
        #expect(task.listKey() == "cpu_queue\u{6}\u{16}6")
    }

    @Test(
        arguments: [(0, "q"), (2, "q"), (3, "q\u{6}\u{16}3"), (5, "q\u{6}\u{16}3"), (9, "q\u{6}\u{16}9"), (-4, "q"), (77, "q\u{6}\u{16}9")])
    func eachStepOfPriorityHasItsList(_ priority: Int, _ key: String) {
        #expect(OutgoingTask.listKey(queue: "q", priority: priority) == key)
    }

    @Test func whatIsWrittenCanBeRead() throws {
        var task = OutgoingTask(
            name: "t", id: "i", args: RawJSON([1, ["é", .null]]), kwargs: RawJSON(["k": .number(1.5)]))
        (task.retries, task.hardLimit, task.softLimit) = (2, 30, 20.5)
        (task.group, task.groupIndex, task.rootID, task.parentID) = ("g", 3, "r", "p")
        (task.eta, task.expires, task.shadow) = (1_795_224_702_837, 1_795_224_999_000, "s")
        task.embed.callbacks = [Signature(task: "c", args: [RawJSON("x")], isImmutable: true)]
        task.embed.chain = [Signature(task: "z"), Signature(task: "y")]
        task.embed.chord = Signature(task: "b")
        task.stampedHeaders = ["run"]
        task.stamps["run"] = RawJSON(7)
        task.extraHeaders["x-key"] = RawJSON("tenant")
        task.extraHeaders["origin"] = RawJSON("other")
        let message = try TaskMessage(task.message(deliveryTag: "d", now: 0, default: "gpu_queue"))
        #expect(message.args == task.args)
        #expect(message.kwargs == task.kwargs)
        #expect(message.retries == 2)
        #expect(message.hardLimit == 30)
        #expect(message.softLimit == 20.5)
        #expect(message.group == "g")
        #expect(message.groupIndex == 3)
        #expect(message.rootID == "r")
        #expect(message.parentID == "p")
        #expect(message.eta == task.eta)
        #expect(message.expires == task.expires)
        #expect(message.title == "s")
        #expect(message.embed == task.embed)
        #expect(message.stamps?["run"]?.integer == 7)
        #expect(message.headers["x-key"]?.string == "tenant")
        #expect(message.origin == "other")
        #expect(message.routingKey == "gpu_queue")
    }

    @Test func aRetryKeepsAllButItsCount() throws {
        let linked = try TaskMessage(Array(CapturedMessages.linked.utf8))
        let retry = OutgoingTask(retrying: linked, eta: 1_795_224_702_837, replyTo: "us", origin: "gen1@here")
        let again = try TaskMessage(retry.message(deliveryTag: "d2", now: 0))
        #expect(again.id == linked.id)
        #expect(again.retries == 1)
        #expect(again.eta == 1_795_224_702_837)
        #expect(again.embed == linked.embed)
        #expect(again.args == linked.args)
        #expect(again.hardLimit == 30)
        #expect(again.replyTo == linked.replyTo)
        #expect(again.routingKey == "celery")
        #expect(again.deliveryTag == "d2")
    }

    @Test func aRetryKeepsHeadersOfOthers() throws {
        let message = try TaskMessage(
            taskMessage(
                body: "[[], {}, {}]", headers: #""task": "t", "id": "i", "x-key": "k", "redelivered": true, "meth": 1"#))
        let retry = OutgoingTask(retrying: message, eta: nil, replyTo: "us", origin: "gen1@here")
        #expect(retry.extraHeaders.json.text == #"{"x-key": "k", "meth": 1}"#)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00+00:00"), (1_795_224_702_837, "2026-11-21T01:31:42.837000+00:00"),
            (951_782_400_000, "2000-02-29T00:00:00+00:00"), (-1, "1969-12-31T23:59:59.999000+00:00"),
            (Int64.max, "9999-12-31T23:59:59.999000+00:00"), (Int64.min, "0001-01-01T00:00:00+00:00"),
            (4_107_542_399_000, "2100-02-28T23:59:59+00:00"), (4_107_542_400_000, "2100-03-01T00:00:00+00:00"),
        ])
    func timesAreWrittenAsPythonWritesThem(_ milliseconds: Int64, _ text: String) {
        #expect(CeleryTime.text(milliseconds: milliseconds) == text)
    }

    @Test func timesComeBackAsTheyWere() {
        var random = SeededRandom(seed: 9)
        for _ in 0..<2000 {
            let time = Int64.random(in: -62_135_596_800_000...253_402_300_799_999, using: &random)
            #expect(CeleryTime.milliseconds(CeleryTime.text(milliseconds: time)) == time)
        }
    }
}
