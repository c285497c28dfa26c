import MartletWire
import Testing

@Suite struct TaskResultTests {
    private func text(_ result: TaskResult) -> String { String(decoding: result.encode(), as: UTF8.self) }

    /// As a worker of Celery 5.7 stored them.
    private static let stored = [
        #"{"status": "SUCCESS", "result": "r:Hello CPU", "traceback": null, "children": [], "date_done": "#
            + #""2026-11-21T01:31:32.102568+00:00", "task_id": "1111"}"#,
        #"{"status": "SUCCESS", "result": 4, "traceback": null, "children": [[["abb4", null], null]], "date_done": "#
            + #""2026-11-21T01:31:32.118577+00:00", "task_id": "9be3"}"#,
        #"{"status": "SUCCESS", "result": 6, "traceback": null, "children": [], "date_done": "#
            + #""2026-11-21T01:31:32.219772+00:00", "group_id": "e862", "parent_id": "9301", "task_id": "c683"}"#,
        #"{"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": ["bad z"], "exc_module": "#
            + #""builtins"}, "traceback": "Traceback (most recent call last):\n", "children": [[["g", null], [[["a", "#
            + #"[["b", null], null]], null]]]], "date_done": null, "task_id": "x"}"#,
    ]

    @Test(arguments: stored) func storedResultsComeBackByteForByte(_ stored: String) throws {
        #expect(text(try TaskResult(parsing: Array(stored.utf8))) == stored)
    }

    @Test func aResultIsStoredAsCeleryStoresIt() throws {
        let message = try TaskMessage(Array(CapturedMessages.chordPart.utf8))
        let result = TaskResult.success(id: message.id, RawJSON(4)).of(message).done(at: 1_795_224_692_190)
        #expect(
            text(result)
                == #"{"status": "SUCCESS", "result": 4, "traceback": null, "children": [], "date_done": "#
                + #""2026-11-21T01:31:32.190000+00:00", "group_id": "e862b671-482b-468c-93ae-05db9fe70808", "#
                + #""task_id": "9301ce49-009a-434c-b57d-d7e8dad74156"}"#)
        #expect(TaskResult.key("a") == "celery-task-meta-a")
        #expect(TaskResult.groupKey("g", ".j") == "celery-taskset-meta-g.j")
    }

    @Test func theShortestResultIsRead() throws {
        let result = try TaskResult(parsing: Array(#"{"status":"SUCCESS","result":3,"task_id":"m1"}"#.utf8))
        #expect(result.state == .success)
        #expect(result.result.integer == 3)
        #expect(result.failure == nil)
    }

    @Test func exceptionsKeepWhatClientsRaiseAgain() throws {
        let failure = TaskFailure(
            type: "Outer.Bad", module: "app.errors", arguments: [RawJSON("it's"), RawJSON(3)], traceback: "trace")
        let read = try TaskResult(parsing: TaskResult.failure(id: "i", failure).encode())
        #expect(read.failure == failure)
        #expect(read.failure?.repr == #"Bad("it's", 3)"#)
        #expect(read.failure?.text == "it's, 3")
        let older = try RawJSON(Array(#"{"exc_type": "KeyError", "exc_message": "x", "exc_module": null}"#.utf8))
        #expect(TaskFailure(older)?.repr == "KeyError('x')")
        #expect(TaskFailure(RawJSON(5)) == nil)
    }

    @Test func onlyLastStatesAreDone() {
        let failure = TaskFailure("ValueError", "bad z")
        #expect(TaskResult.retry(id: "i", failure).done(at: 0).dateDone == nil)
        #expect(TaskResult.started(id: "i", processID: 5, hostname: "w@h").done(at: 0).dateDone == nil)
        #expect(TaskResult.revoked(id: "i", "revoked").done(at: 0).dateDone != nil)
        #expect(TaskResult.custom(id: "i", "PROGRESS", RawJSON(50)).state == TaskState(rawValue: "PROGRESS"))
        #expect(text(.started(id: "i", processID: 5, hostname: "w@h")).contains(#"{"pid": 5, "hostname": "w@h"}"#))
        #expect(
            text(.revoked(id: "i", "expired")).contains(
                #"{"exc_type": "TaskRevokedError", "exc_message": ["expired"], "exc_module": "celery.exceptions"}"#))
    }

    @Test func exceptionsOfTheWorkerAreCelerysOwn() {
        #expect(TaskFailure.notRegistered("tasks.x").repr == "NotRegistered('tasks.x')")
        #expect(TaskFailure.timeLimitExceeded(2).repr == "TimeLimitExceeded(2)")
        #expect(TaskFailure.timeLimitExceeded(2.5).repr == "TimeLimitExceeded(2.5)")
        #expect(TaskFailure.workerLost("gone").module == "billiard.exceptions")
        #expect(
            TaskFailure.chord(dependency: "a", raised: TaskFailure("ValueError", "bad z")).text
                == "Dependency a raised ValueError('bad z')")
    }

    @Test(arguments: ["", "5", "{}", "[]", #"{"status": 5}"#, #"{"status": "SUCCESS""#])
    func whatIsNoResultIsRefused(_ text: String) {
        #expect(throws: WireError.self) { try TaskResult(parsing: Array(text.utf8)) }
    }

    @Test func extendedResultsKeepWhatTheySay() throws {
        let stored =
            #"{"status": "SUCCESS", "result": 1, "traceback": null, "children": [], "date_done": null, "name": "t", "#
            + #""args": [1], "queue": "celery", "task_id": "x"}"#
        let result = try TaskResult(parsing: Array(stored.utf8))
        #expect(result.extended["queue"]?.string == "celery")
        #expect(text(result) == stored)
    }

    @Test func theValueOfAGroupIsTheListOfItsValues() throws {
        let tree = ResultTree.group(
            "g", parent: nil, [.task("a"), .group("h", parent: .task("z"), [.task("b"), .task("c")])])
        let values = ["a": RawJSON(1), "b": RawJSON(2), "c": RawJSON(3)]
        #expect(tree.value { values[$0] }?.text == "[1, [2, 3]]")
        #expect(tree.value { $0 == "b" ? nil : values[$0] } == nil)
        #expect(ResultTree(savedGroup: tree.savedGroup) == tree)
        #expect(ResultTree(RawJSON(5)) == nil)
        #expect(ResultTree(try RawJSON(Array(#"["a", null]"#.utf8))) == .task("a"))
    }
}
