import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Testing

@testable import Martlet
@testable import MartletTasks

/// Tasks that are run together, as a process is asked for them and as it answers.
@Suite struct TaskBatchTests {
    private func run(_ id: String, bytes: ByteBuffer? = nil, soft: Instant? = nil) throws -> TaskRun {
        let message = OutgoingTask(name: "add", id: id).message(deliveryTag: id, now: 0)
        return TaskRun(
            message: try TaskMessage(message), bytes: bytes ?? ByteBuffer(bytes: message),
            receipt: Receipt(tag: id, lease: 1, queue: "q", key: "q"), deliveries: 1, softDeadline: soft,
            deadline: .never,
            progress: { _ in })
    }

    @Test("the messages of a batch follow a line with their lengths")
    func body() throws {
        let runs = [try run("a", bytes: ByteBuffer(string: "{}")), try run("b", bytes: ByteBuffer(string: "{ }\n"))]
        let call = try #require(ProcessCall.calls(runs).first)
        #expect(String(buffer: call.body) == "2 4\n{}{ }\n")
        #expect(call.headers.value(named: "x-martlet-batch") == "2")
        let single = ProcessCall(runs[0])
        #expect(String(buffer: single.body) == "{}" && single.headers.value(named: "x-martlet-batch") == nil)
    }

    @Test("a batch that is too long for a process is several calls")
    func length() throws {
        let long = ByteBuffer(repeating: 32, count: 20 << 20)
        let calls = ProcessCall.calls(try (1...3).map { try run("\($0)", bytes: long) })
        #expect(calls.map { $0.all(.ignored).count } == [1, 1, 1])
        let short = ByteBuffer(repeating: 32, count: 1 << 20)
        #expect(ProcessCall.calls(try (1...3).map { try run("\($0)", bytes: short) }).count == 1)
    }

    @Test("each task of a batch has its own outcome, and none is made up")
    func outcomes() throws {
        let call = try #require(ProcessCall.calls([try run("a"), try run("b")]).first)
        let report = #"{"batch": [{"state": "SUCCESS", "value": 3}, {"state": "IGNORED"}]}"#
        let outcomes = call.outcomes(report: ByteBuffer(string: report))
        guard case .success(let value, _)? = outcomes.first, case .ignored? = outcomes.last else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(value.text == "3" && outcomes.count == 2)
        for broken in ["{}", "[", #"{"batch": [{"state": "SUCCESS"}]}"#] {
            let outcomes = call.outcomes(report: ByteBuffer(string: broken))
            #expect(outcomes.count == 2)
            for case .success in outcomes { Issue.record("a success out of \(broken)") }
        }
    }

    @Test("an app says how many of its tasks are run together")
    func description() throws {
        #expect(BatchRule(size: nil, seconds: 1) == nil && BatchRule(size: 0, seconds: 1) == nil)
        #expect(BatchRule(size: 8, seconds: 0.5) == BatchRule(size: 8, timeout: .milliseconds(500)))
        let handler = TaskHandler("embed", batch: TaskBatch(size: 8)) { calls in calls.map { _ in .success(1) } }
        #expect(handler.description.rules.batch == BatchRule(size: 8, timeout: .milliseconds(200)))
    }
}
