import MartletWire
import Testing

@Suite struct TaskEventTests {
    private let source = EventSource(hostname: "w1@host", processID: 14213)

    @Test func eventsOfTasksAreToldAsCeleryTellsThem() throws {
        let message = try TaskMessage(Array(CapturedMessages.plain.utf8))
        let event = source.stamp(.received(message), clock: 2, timestamp: 1795224692.1000485)
        let told = source.publication([event], deliveryTag: "5d5d57dd-1a08-485c-a0ad-be6815ceb3b4")
        #expect(told.channel == "/0.celeryev/task.multi")
        #expect(String(decoding: told.message, as: UTF8.self) == CapturedMessages.taskEvents)
    }

    @Test func eventsOfWorkersAreToldAsCeleryTellsThem() {
        let report = WorkerReport(
            active: 0, processed: 0, loadAverage: [2.36, 1.16, 0.44], software: "py-celery", version: "5.7.0")
        let event = source.stamp(.workerOnline(report), clock: 1, timestamp: 1795224692.0901563)
        let told = source.publication(event, deliveryTag: "8800c81a-c89d-4531-9707-976e4b90fa0d")
        #expect(told.channel == "/0.celeryev/worker.online")
        #expect(String(decoding: told.message, as: UTF8.self) == CapturedMessages.workerEvent)
        #expect(source.publication(event, deliveryTag: "d", database: 3).channel == "/3.celeryev/worker.online")
    }

    private func fields(_ event: TaskEvent) throws -> String {
        let told = source.publication(source.stamp(event, clock: 1, timestamp: 2), deliveryTag: "d")
        var fields = try #require(TaskEvent.events(in: told.message).first)
        for name in ["hostname", "utcoffset", "pid", "clock", "timestamp"] { fields[name] = nil }
        return fields.json.text
    }

    @Test func eachEventSaysWhatMonitorsRead() throws {
        #expect(try fields(.started("a")) == #"{"uuid": "a", "type": "task-started"}"#)
        #expect(
            try fields(.succeeded("a", result: "'r'", runtime: 0.5))
                == #"{"uuid": "a", "result": "'r'", "runtime": 0.5, "type": "task-succeeded"}"#)
        #expect(
            try fields(.failed("a", exception: "ValueError('bad z')", traceback: nil))
                == #"{"uuid": "a", "exception": "ValueError('bad z')", "traceback": null, "type": "task-failed"}"#)
        #expect(
            try fields(.retried("a", exception: "e", traceback: "t"))
                == #"{"uuid": "a", "exception": "e", "traceback": "t", "type": "task-retried"}"#)
        #expect(
            try fields(.revoked("a", terminated: true, signal: 15, expired: false))
                == #"{"uuid": "a", "terminated": true, "signum": 15, "expired": false, "type": "task-revoked"}"#)
        #expect(
            try fields(.revoked("a", terminated: false, signal: nil, expired: true))
                == #"{"uuid": "a", "terminated": false, "signum": null, "expired": true, "type": "task-revoked"}"#)
        #expect(
            try fields(.rejected("a", requeue: false))
                == #"{"uuid": "a", "requeue": false, "type": "task-rejected"}"#)
    }

    @Test func whereATaskCameFromIsToldToo() throws {
        let message = try TaskMessage(Array(CapturedMessages.plain.utf8))
        #expect(try fields(.received(message, queue: "cpu_queue")).contains(#""queue": "cpu_queue""#))
        #expect(try !fields(.received(message)).contains("queue\""))
    }

    @Test func aProducerTellsWhatItSent() throws {
        var task = OutgoingTask(name: "t", id: "a", args: RawJSON(.array([1])))
        task.countdown = 1000
        #expect(
            try fields(.sent(task, now: 0))
                == #"{"uuid": "a", "root_id": "a", "parent_id": null, "name": "t", "args": "(1,)", "kwargs": "{}", "#
                + #""retries": 0, "eta": "1970-01-01T00:00:01+00:00", "expires": null, "queue": "celery", "#
                + #""exchange": "", "routing_key": "celery", "type": "task-sent"}"#)
    }

    @Test func batchesAreReadAsTheirEvents() {
        let events = ["a", "b"].map { source.stamp(.started($0), clock: 1, timestamp: 2) }
        let told = source.publication(events, deliveryTag: "d")
        #expect(TaskEvent.events(in: told.message).compactMap { $0["uuid"]?.string } == ["a", "b"])
        #expect(TaskEvent.events(in: Array("x".utf8)).isEmpty)
        #expect(TaskEvent.started("a").group == "task")
    }
}
