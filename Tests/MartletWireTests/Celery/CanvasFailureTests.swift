import MartletWire
import Testing

@Suite struct CanvasFailureTests {
    private func context(of message: TaskMessage) -> CanvasContext {
        let counter = Counter()
        return CanvasContext(of: message, replyTo: "us", origin: "gen1@here", now: 0) { counter.next() }
    }

    private func message(_ embed: String) throws -> TaskMessage {
        try TaskMessage(taskMessage(body: "[[], {}, \(embed)]", headers: #""task": "t", "id": "me", "root_id": "root""#))
    }

    private func signature(_ text: String) throws -> Signature { try Signature(try RawJSON(Array(text.utf8))) }

    @Test func theStepsThatWillNotRunFailAsWell() throws {
        let message = try TaskMessage(Array(CapturedMessages.chained.utf8))
        let failure = Canvas.failing(after: message, context(of: message))
        #expect(
            failure.steps.map(\.id) == ["aa934709-34fc-4507-9a77-1a8b1912c823", "abb4a516-7eea-4297-bc50-4a29e66b7cfc"])
        #expect(failure.errbacks.isEmpty)
    }

    @Test func errbacksAreToldTheID() throws {
        let message = try message(#"{"errbacks": [{"task": "e", "args": [1]}, {"task": "f", "immutable": true}]}"#)
        let errbacks = Canvas.failing(after: message, context(of: message)).errbacks
        #expect(errbacks.tasks.map(\.name) == ["e", "f"])
        #expect(errbacks.tasks.map(\.args.text) == [#"["me", 1]"#, "[]"])
        #expect(errbacks.tasks.map(\.parentID) == ["me", "me"])
        #expect(errbacks.tasks.map(\.rootID) == ["root", "root"])
        #expect(errbacks.tasks[0].group != nil)
    }

    @Test func aStepThatIsAPartFailsItsChord() throws {
        let step =
            #"{"task": "b", "options": {"task_id": "b1", "group_id": "g1", "group_index": 2, "chord": {"task": "sum"}}}"#
        let message = try message(#"{"chain": [\#(step)]}"#)
        let steps = Canvas.failing(after: message, context(of: message)).steps
        #expect(steps.count == 1)
        #expect(steps[0].groupID == "g1")
        #expect(steps[0].chord?.group == "g1")
        #expect(steps[0].chord?.index == 2)
        #expect(steps[0].chord?.taskID == "b1")
        let result = try #require(steps[0].result(TaskFailure("ValueError", "bad"), at: 0))
        #expect(
            String(decoding: result.encode(), as: UTF8.self)
                == #"{"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": ["bad"], "exc_module": "#
                + #""builtins"}, "traceback": null, "children": [], "date_done": "1970-01-01T00:00:00+00:00", "#
                + #""group_id": "g1", "task_id": "b1"}"#)
    }

    @Test func theBodyOfAChordThatIsAStepFails() throws {
        let chord =
            #"{"task": "celery.chord", "subtask_type": "chord", "options": {"task_id": "g1"}, "kwargs": {"header": [], "#
            + #""body": {"task": "sum", "options": {"task_id": "s1"}}}}"#
        let message = try message(#"{"chain": [\#(chord)]}"#)
        #expect(Canvas.failing(after: message, context(of: message)).steps.map(\.id) == ["g1", "s1"])
    }

    @Test func aChordThatFailsFailsItsBodyAndWhatFollows() throws {
        let body = try signature(
            #"{"task": "sum", "options": {"task_id": "s1", "link_error": [{"task": "e"}], "group_id": "g0", "#
                + #""chord": {"task": "outer"}, "chain": [{"task": "z", "options": {"task_id": "z1"}}]}}"#)
        let message = try message("{}")
        let failure = Canvas.failing(chord: body, context(of: message))
        #expect(failure.steps.map(\.id) == ["s1", "z1"])
        #expect(failure.steps[0].chord?.group == "g0")
        #expect(failure.errbacks.tasks.map(\.args.text) == [#"["s1"]"#])
    }

    @Test func eachMemberOfABodyThatIsAGroupFails() throws {
        let body = try signature(
            #"{"task": "celery.group", "subtask_type": "group", "options": {"task_id": "g2", "link_error": "#
                + #"[{"task": "e"}]}, "kwargs": {"tasks": [{"task": "a", "options": {"task_id": "a1"}}, "#
                + #"{"task": "b", "options": {"task_id": "b1"}}]}}"#)
        let message = try message("{}")
        let failure = Canvas.failing(chord: body, context(of: message))
        #expect(failure.steps.map(\.id) == ["a1", "b1", "g2"])
        #expect(failure.errbacks.tasks.map(\.args.text) == [#"["a1"]"#, #"["b1"]"#])
    }

    @Test func theLastStepOfABodyThatIsAChainIsWaitedFor() throws {
        let body = try signature(
            #"{"task": "celery.chain", "subtask_type": "chain", "options": {"task_id": "c2"}, "kwargs": {"tasks": ["#
                + #"{"task": "a", "options": {"task_id": "c1"}}, {"task": "b", "options": {"task_id": "c2"}}]}}"#)
        let message = try message("{}")
        #expect(Canvas.failing(chord: body, context(of: message)).steps.map(\.id) == ["c2"])
    }

    // MARK: Parts of chords

    @Test func aPartIsSaidAsCelerySaysIt() throws {
        let message = try TaskMessage(Array(CapturedMessages.chordPart.utf8))
        let part = try #require(ChordPart(of: message))
        let group = "celery-taskset-meta-e862b671-482b-468c-93ae-05db9fe70808"
        #expect(part.partKeys == [".j", ".t", ".s", ".d", "", ".c"].map { group + $0 })
        let arguments = part.partArguments(.success, RawJSON(4), token: "token")
            .map { String(decoding: $0, as: UTF8.self) }
        #expect(
            arguments == [
                "9301ce49-009a-434c-b57d-d7e8dad74156", #"[1, "9301ce49-009a-434c-b57d-d7e8dad74156", "SUCCESS", 4]"#,
                "1", "1", "86400", "86400", "6", "token",
            ])
        #expect(part.claimKeys == [group + ".c", group + ".s"])
        #expect(part.claimArguments(token: "token") == ["token", "21"])
        #expect(part.cleanupKeys == [".c", ".j", ".t", ".s", ".d"].map { group + $0 })
        #expect(part.cleanupArguments(token: "token") == ["token", "300"])
        #expect(ChordPart(of: try self.message("{}")) == nil)
    }

    @Test(
        arguments: [
            (2, 0, 2, 1, true, false), (1, 0, 2, 0, false, false), (2, nil, 2, 0, false, false),
            (3, 1, 2, 1, true, false), (2, 0, nil, 1, false, false), (-1, 0, 0, 0, false, true),
        ] as [(Int, Int?, Int?, Int, Bool, Bool)])
    func theBodyIsOursWhenAllPartsAreThere(
        _ ready: Int, _ added: Int?, _ size: Int?, _ claimed: Int, _ isOurs: Bool, _ isDone: Bool
    ) {
        let progress = ChordPart.Progress(ready: ready, added: added, size: size, claimed: claimed)
        #expect(progress.isOurs == isOurs)
        #expect(progress.isDone == isDone)
    }

    @Test func partsAreReadBack() throws {
        let parts = [#"[1, "a", "SUCCESS", {"x": 1.0}]"#, #"[1, "b", "SUCCESS", 2]"#].map { Array($0.utf8) }
        #expect(try ChordPart.results(parts).map(\.text) == [#"{"x": 1.0}"#, "2"])
        let failed =
            #"[1, "c", "FAILURE", {"exc_type": "ValueError", "exc_message": ["bad z"], "exc_module": "builtins"}]"#
        #expect(throws: TaskFailure.chord("Dependency c raised ValueError('bad z')")) {
            try ChordPart.results(parts + [Array(failed.utf8)])
        }
        #expect(throws: TaskFailure.self) { try ChordPart.results([Array("[1]".utf8)]) }
    }

    // MARK: Builtin tasks

    private func work(_ name: String, _ body: String) throws -> BuiltinTask.Work {
        let message = try TaskMessage(taskMessage(body: body, headers: #""task": "\#(name)", "id": "me""#))
        return try #require(BuiltinTask(rawValue: name)).work(message, context(of: message))
    }

    @Test func accumulateGivesItsArgumentsOrOneOfThem() throws {
        #expect(try work("celery.accumulate", "[[1, 2], {}, {}]") == .value(try RawJSON(Array("[1, 2]".utf8))))
        #expect(try work("celery.accumulate", #"[[1, 2], {"index": 0}, {}]"#) == .value(RawJSON(1)))
        #expect(try work("celery.accumulate", #"[[1, 2], {"index": -1}, {}]"#) == .value(RawJSON(2)))
        guard case .failure(let failure) = try work("celery.accumulate", #"[[1, 2], {"index": 2}, {}]"#) else {
            return #expect(Bool(false))
        }
        #expect(failure.type == "IndexError")
    }

    @Test func mapAndStarmapCallTheTaskForEach() throws {
        let body = #"[[], {"task": {"task": "tasks.add"}, "it": [[1, 2], [3, 4]]}, {}]"#
        guard case .calls(let name, let calls) = try work("celery.starmap", body) else { return #expect(Bool(false)) }
        #expect(name == "tasks.add")
        #expect(calls.map(\.text) == ["[1, 2]", "[3, 4]"])
        guard case .calls(_, let single) = try work("celery.map", body) else { return #expect(Bool(false)) }
        #expect(single.map(\.text) == ["[[1, 2]]", "[[3, 4]]"])
    }

    @Test func chunksPublishStarmaps() throws {
        let body = #"[[], {"task": {"task": "tasks.add"}, "it": [[1, 1], [2, 2], [3, 3]], "n": 2}, {}]"#
        guard case .publishes(let steps, let result) = try work("celery.chunks", body) else {
            return #expect(Bool(false))
        }
        #expect(steps.tasks.map(\.name) == ["celery.starmap", "celery.starmap"])
        #expect(steps.tasks[1].kwargs["it"]?.text == "[[3, 3]]")
        #expect(ResultTree(result)?.taskIDs == steps.tasks.map(\.id))
    }

    @Test func aChainIsNoTask() throws {
        guard case .failure(let failure) = try work("celery.chain", "[[], {}, {}]") else { return #expect(Bool(false)) }
        #expect(failure.repr == "NotImplementedError('chain is not a real task')")
        guard case .failure = try work("celery.map", "[[], {}, {}]") else { return #expect(Bool(false)) }
        #expect(try work("celery.backend_cleanup", "[[], {}, {}]") == .value(.null))
    }
}
