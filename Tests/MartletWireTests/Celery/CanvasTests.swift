import MartletWire
import Testing

/// Ids that tell in which order they were given.
final class Counter {
    private var count = 0

    func next() -> String {
        count += 1
        return "new\(count)"
    }
}

@Suite struct CanvasTests {
    private func context(of message: TaskMessage, origin: String = "gen1@here") -> CanvasContext {
        let counter = Counter()
        return CanvasContext(of: message, replyTo: "us", origin: origin, now: 0) { counter.next() }
    }

    private func json(_ text: String) throws -> RawJSON { try RawJSON(Array(text.utf8)) }

    private func signature(_ text: String) throws -> Signature { try Signature(try json(text)) }

    private func message(embed: String) throws -> TaskMessage {
        try TaskMessage(taskMessage(body: "[[], {}, \(embed)]", headers: #""task": "t", "id": "me", "root_id": "root""#))
    }

    /// What follows a task with this embedded part and the result 5, in words.
    private func next(_ embed: String) throws -> CanvasSteps {
        let message = try message(embed: embed)
        return try Canvas.next(after: message, result: RawJSON(5), context(of: message))
    }

    private static func task(_ name: String, _ args: String = "[]", _ options: String = "{}", immutable: Bool = false)
        -> String
    {
        #"{"task": "\#(name)", "args": \#(args), "kwargs": {}, "options": \#(options), "subtask_type": null, "#
            + #""immutable": \#(immutable)}"#
    }

    private static func group(_ tasks: String..., options: String = "{}") -> String {
        #"{"task": "celery.group", "args": [], "kwargs": {"tasks": [\#(tasks.joined(separator: ", "))]}, "options": "#
            + #"\#(options), "subtask_type": "group", "immutable": false}"#
    }

    private static func chain(_ tasks: String..., options: String = "{}") -> String {
        #"{"task": "celery.chain", "args": [], "kwargs": {"tasks": [\#(tasks.joined(separator: ", "))]}, "options": "#
            + #"\#(options), "subtask_type": "chain", "immutable": false}"#
    }

    private static func chord(_ header: [String], _ body: String, options: String = "{}") -> String {
        #"{"task": "celery.chord", "args": [], "kwargs": {"kwargs": {}, "header": [\#(header.joined(separator: ", "))],"#
            + #" "body": \#(body)}, "options": \#(options), "subtask_type": "chord", "immutable": false}"#
    }

    // MARK: Byte for byte

    @Test func theNextStepIsPublishedAsCeleryPublishesIt() throws {
        let message = try TaskMessage(Array(CapturedMessages.chained.utf8))
        let steps = try Canvas.next(after: message, result: RawJSON(4), context(of: message, origin: "gen14215@vm"))
        var task = try #require(steps.tasks.first)
        task.ignoreResult = false
        let bytes = task.message(deliveryTag: "4806844c-dda1-44ac-9b24-989f4c14cc88", now: 0)
        #expect(String(decoding: bytes, as: UTF8.self) == CapturedMessages.chainStep)
        #expect(steps.tasks.count == 1)
        #expect(steps.children == [.task("abb4a516-7eea-4297-bc50-4a29e66b7cfc")])
    }

    @Test func theBodyOfAChordIsPublishedAsCeleryPublishesIt() throws {
        let message = try TaskMessage(Array(CapturedMessages.chordPart.utf8))
        let body = try #require(message.embed.chord)
        let steps = try Canvas.completing(
            chord: body, results: [RawJSON(2), RawJSON(4)], context(of: message, origin: "gen14217@vm"))
        var task = try #require(steps.tasks.first)
        task.ignoreResult = false
        let bytes = task.message(deliveryTag: "5d2b7358-642c-4188-856d-725e1ea620d7", now: 0)
        #expect(String(decoding: bytes, as: UTF8.self) == CapturedMessages.chordBody)
    }

    @Test func aCallbackIsPublishedAsCeleryPublishesIt() throws {
        let message = try TaskMessage(Array(CapturedMessages.linked.utf8))
        let counter = ["48e15377-d42d-44e1-9f6c-9292b6688361"]
        let context = CanvasContext(
            of: message, replyTo: "cd7aa1c9-7af6-3818-acbd-48912a1642cc", origin: "gen14218@vm", now: 0
        ) { counter[0] }
        var task = try #require(try Canvas.next(after: message, result: RawJSON(3), context).tasks.first)
        task.ignoreResult = false
        let bytes = task.message(deliveryTag: "6af34e7f-cc29-4372-a622-478765bef9b1", now: 0)
        #expect(String(decoding: bytes, as: UTF8.self) == CapturedMessages.callback)
    }

    // MARK: Rules

    @Test func nothingFollowsATaskAlone() throws {
        #expect(try next("{}").isEmpty)
        #expect(try next("null").isEmpty)
    }

    @Test func theResultComesBeforeOwnArgumentsUnlessImmutable() throws {
        let steps = try next(#"{"chain": [\#(Self.task("b", "[1]", immutable: true))]}"#)
        #expect(steps.tasks.map(\.args.text) == ["[1]"])
        #expect(try next(#"{"chain": [\#(Self.task("b", "[1]"))]}"#).tasks.map(\.args.text) == ["[5, 1]"])
        #expect(try next(#"{"chain": [\#(Self.task("b", "[ ]"))]}"#).tasks.map(\.args.text) == ["[5]"])
    }

    @Test func optionsBecomeHeaders() throws {
        let options =
            #"{"task_id": "b1", "queue": "gpu_queue", "priority": 3, "time_limit": 9, "soft_time_limit": 8, "#
            + #""countdown": 1.5, "expires": {"__type__": "datetime", "__value__": "2026-11-21T01:31:42+00:00"}, "#
            + #""shadow": "s", "headers": {"x-key": 1}, "stamped_headers": ["run"], "run": 7, "retries": 1}"#
        let task = try #require(try next(#"{"chain": [\#(Self.task("b", "[]", options))]}"#).tasks.first)
        #expect(task.id == "b1")
        #expect(task.queue == "gpu_queue")
        #expect(task.priority == 3)
        #expect(task.hardLimit == 9)
        #expect(task.softLimit == 8)
        #expect(task.countdown == 1500)
        #expect(task.expires == 1_795_224_702_000)
        #expect(task.shadow == "s")
        #expect(task.extraHeaders["x-key"]?.integer == 1)
        #expect(task.stamps["run"]?.integer == 7)
        #expect(task.parentID == "me")
        #expect(task.rootID == "root")
        #expect(task.replyTo == "us")
    }

    @Test func theRestOfTheChainTravelsOn() throws {
        let steps = try next(#"{"chain": [\#(Self.task("d")), \#(Self.task("c")), \#(Self.task("b"))]}"#)
        #expect(steps.tasks.map(\.name) == ["b"])
        #expect(steps.tasks[0].embed.chain.map(\.task) == ["d", "c"])
    }

    @Test func severalCallbacksAreAGroup() throws {
        let steps = try next(
            #"{"callbacks": [\#(Self.task("a")), \#(Self.group(Self.task("x"))), \#(Self.task("b"))]}"#)
        #expect(steps.tasks.map(\.name) == ["x", "a", "b"])
        #expect(steps.tasks.map(\.args.text) == ["[5]", "[5]", "[5]"])
        #expect(steps.tasks[1].group == steps.tasks[2].group)
        #expect(steps.tasks.map(\.groupIndex) == [0, 0, 1])
        #expect(steps.children.map(\.isGroup) == [true, true])
        #expect(steps.chordSizes.isEmpty)
    }

    @Test func callbacksComeBeforeTheChain() throws {
        let steps = try next(#"{"callbacks": [\#(Self.task("a"))], "chain": [\#(Self.task("b"))]}"#)
        #expect(steps.tasks.map(\.name) == ["a", "b"])
    }

    @Test func aGroupInAChainIsSentWhole() throws {
        let group = Self.group(Self.task("a", "[1]"), Self.task("b", "[2]"), options: #"{"task_id": "g1"}"#)
        let steps = try next(#"{"chain": [\#(group)]}"#)
        #expect(steps.tasks.map(\.name) == ["a", "b"])
        #expect(steps.tasks.map(\.args.text) == ["[5, 1]", "[5, 2]"])
        #expect(steps.tasks.map(\.group) == ["g1", "g1"])
        #expect(steps.tasks.map(\.groupIndex) == [0, 1])
        #expect(steps.children == [.group("g1", parent: nil, steps.tasks.map { .task($0.id) })])
    }

    @Test func aChordInAChainSendsItsHeader() throws {
        let body = Self.task("sum", "[]", #"{"task_id": "s1"}"#)
        let chord = Self.chord([Self.task("a", "[1]"), Self.task("b", "[2]")], body, options: #"{"task_id": "g1"}"#)
        let steps = try next(#"{"chain": [\#(Self.task("after")), \#(chord)]}"#)
        #expect(steps.chordSizes == [CanvasSteps.ChordSize(group: "g1", size: 2)])
        #expect(steps.tasks.map(\.name) == ["a", "b"])
        #expect(steps.tasks.map(\.args.text) == ["[5, 1]", "[5, 2]"])
        #expect(steps.tasks.map(\.group) == ["g1", "g1"])
        #expect(steps.tasks.map(\.groupIndex) == [0, 1])
        #expect(steps.tasks.allSatisfy { $0.embed.chain.isEmpty })
        let end = try #require(steps.tasks[0].embed.chord)
        #expect(end.task == "sum")
        #expect(end.id == "s1")
        #expect(end.options["group_id"]?.string == "g1")
        #expect(steps.tasks[1].embed.chord == end)
        // The rest of the chain follows the body.
        let message = try TaskMessage(steps.tasks[1].message(deliveryTag: "d", now: 0))
        let done = try Canvas.completing(chord: end, results: [RawJSON(6), RawJSON(7)], context(of: message))
        #expect(done.tasks.map(\.name) == ["sum"])
        #expect(done.tasks[0].args.text == "[[6, 7]]")
        #expect(done.tasks[0].id == "s1")
        #expect(done.tasks[0].embed.chain.map(\.task) == ["after"])
    }

    @Test func aChordWithoutHeaderRunsItsBodyAtOnce() throws {
        let steps = try next(#"{"chain": [\#(Self.chord([], Self.task("sum")))]}"#)
        #expect(steps.tasks.map(\.name) == ["sum"])
        #expect(steps.tasks[0].args.text == "[[]]")
        #expect(steps.chordSizes.isEmpty)
    }

    @Test func aGroupBeforeAStepBecomesAChord() throws {
        let chain = Self.chain(Self.group(Self.task("a"), Self.task("b")), Self.task("sum"), Self.task("last"))
        let steps = try next(#"{"chain": [\#(chain)]}"#)
        #expect(steps.tasks.map(\.name) == ["a", "b"])
        #expect(steps.tasks.map(\.args.text) == ["[5]", "[5]"])
        #expect(steps.chordSizes.map(\.size) == [2])
        let body = try #require(steps.tasks[0].embed.chord)
        #expect(body.task == "sum")
        #expect(body.options["chain"]?.elements?.count == 1)
    }

    @Test func aGroupOfOneIsItsMember() throws {
        let steps = try next(#"{"chain": [\#(Self.chain(Self.group(Self.task("a")), Self.task("b")))]}"#)
        #expect(steps.tasks.map(\.name) == ["a"])
        #expect(steps.tasks[0].group == nil)
        #expect(steps.tasks[0].embed.chain.map(\.task) == ["b"])
    }

    @Test func emptyGroupsAreNoSteps() throws {
        let steps = try next(#"{"chain": [\#(Self.chain(Self.group(), Self.task("a"), Self.group(), Self.task("b")))]}"#)
        #expect(steps.tasks.map(\.name) == ["a"])
        #expect(steps.tasks[0].args.text == "[5]")
        #expect(steps.tasks[0].embed.chain.map(\.task) == ["b"])
        #expect(try next(#"{"chain": [\#(Self.chain(Self.group()))]}"#).tasks.isEmpty)
    }

    @Test func aChainInAHeaderEndsInItsChord() throws {
        let chord = Self.chord(
            [Self.chain(Self.task("a"), Self.task("b")), Self.task("c")], Self.task("sum"),
            options: #"{"task_id": "g1"}"#)
        let steps = try next(#"{"chain": [\#(chord)]}"#)
        #expect(steps.chordSizes == [CanvasSteps.ChordSize(group: "g1", size: 2)])
        #expect(steps.tasks.map(\.name) == ["a", "c"])
        #expect(steps.tasks[0].embed.chord == nil)
        #expect(steps.tasks[0].group == nil)
        let end = try #require(steps.tasks[0].embed.chain.first)
        #expect(end.options["group_id"]?.string == "g1")
        #expect(end.options["group_index"]?.integer == 0)
        #expect(end.options["chord"]?["task"]?.string == "sum")
        #expect(steps.tasks[1].groupIndex == 1)
        #expect(steps.tasks[1].embed.chord?.task == "sum")
        // The last of the chain says that it is a part.
        let first = try TaskMessage(steps.tasks[0].message(deliveryTag: "d", now: 0))
        let last = try #require(try Canvas.next(after: first, result: RawJSON(1), context(of: first)).tasks.first)
        let part = try #require(ChordPart(of: try TaskMessage(last.message(deliveryTag: "e", now: 0))))
        #expect(part.group == "g1")
        #expect(part.index == 0)
    }

    @Test func aChordInAHeaderCountsOnceAndItsBodyIsThePart() throws {
        let inner = Self.chord([Self.task("x"), Self.task("y")], Self.task("innersum"))
        let outer = Self.chord([inner, Self.task("z")], Self.task("outersum"), options: #"{"task_id": "g1"}"#)
        let steps = try next(#"{"chain": [\#(outer)]}"#)
        #expect(steps.tasks.map(\.name) == ["x", "y", "z"])
        #expect(Set(steps.chordSizes.map(\.size)) == [2])
        #expect(steps.chordSizes.count == 2)
        let body = try #require(steps.tasks[0].embed.chord)
        #expect(body.task == "innersum")
        #expect(body.options["group_id"]?.string == "g1")
        #expect(body.options["chord"]?["task"]?.string == "outersum")
        #expect(steps.tasks[0].group != "g1")
        #expect(steps.tasks[2].group == "g1")
        #expect(steps.tasks[2].embed.chord?.task == "outersum")
    }

    @Test func aGroupAtTheEndOfAChainInAHeaderIsAsManyParts() throws {
        let member = Self.chain(Self.task("a"), Self.group(Self.task("b"), Self.task("c"), Self.task("d")))
        let chord = Self.chord([member, Self.task("e")], Self.task("sum"), options: #"{"task_id": "g1"}"#)
        let steps = try next(#"{"chain": [\#(chord)]}"#)
        #expect(steps.chordSizes == [CanvasSteps.ChordSize(group: "g1", size: 4)])
        #expect(steps.savedGroups.map(\.key) == ["celery-taskset-meta-g1"])
        let saved = try #require(ResultTree(savedGroup: steps.savedGroups[0].json))
        #expect(saved.taskIDs.count == 4)
        // Its members are parts of the outer chord, and no size is set for the group itself.
        let first = try TaskMessage(steps.tasks[0].message(deliveryTag: "d", now: 0))
        let then = try Canvas.next(after: first, result: RawJSON(1), context(of: first))
        #expect(then.tasks.map(\.name) == ["b", "c", "d"])
        #expect(then.tasks.map(\.group) == ["g1", "g1", "g1"])
        #expect(then.tasks.allSatisfy { $0.embed.chord?.task == "sum" })
        #expect(then.chordSizes.isEmpty)
        let ids = Set(then.tasks.map(\.id))
        #expect(ids.isSubset(of: Set(saved.taskIDs)))
    }

    @Test func groupsInAHeaderAreOneGroup() throws {
        let chord = Self.chord(
            [Self.group(Self.task("a"), Self.task("b")), Self.task("c")], Self.task("sum"),
            options: #"{"task_id": "g1"}"#)
        let steps = try next(#"{"chain": [\#(chord)]}"#)
        #expect(steps.chordSizes == [CanvasSteps.ChordSize(group: "g1", size: 3)])
        #expect(steps.tasks.map(\.name) == ["a", "b", "c"])
        #expect(steps.tasks.map(\.groupIndex) == [0, 1, 2])
    }

    @Test func aBodyThatIsAChainLeavesItsRestBehindTheChord() throws {
        let body = Self.chain(Self.task("sum"), Self.task("c"), Self.task("d"))
        let chord = Self.chord([Self.task("a"), Self.task("b")], body)
        let steps = try next(#"{"chain": [\#(Self.chain(chord, Self.task("e")))]}"#)
        let end = try #require(steps.tasks[0].embed.chord)
        #expect(end.task == "sum")
        let rest = end.options["chain"]?.elements?.compactMap { $0["task"]?.string }
        #expect(rest == ["e", "d", "c"])
    }

    @Test func aBodyThatIsAGroupIsSentWithTheResults() throws {
        let body = try signature(Self.group(Self.task("a", "[1]"), Self.task("b", "[2]")))
        let message = try message(embed: "{}")
        let steps = try Canvas.completing(chord: body, results: [RawJSON(3), RawJSON(4)], context(of: message))
        #expect(steps.tasks.map(\.args.text) == ["[[3, 4], 1]", "[[3, 4], 2]"])
    }

    @Test func linksOfAChainAreItsLastStepsAndErrbacksAreAll() throws {
        let options = #"{"link": [\#(Self.task("ok"))], "link_error": [\#(Self.task("bad"))]}"#
        let chain = Self.chain(Self.task("a"), Self.task("b"), options: options)
        let task = try #require(try next(#"{"chain": [\#(chain)]}"#).tasks.first)
        #expect(task.embed.callbacks.isEmpty)
        #expect(task.embed.errbacks.map(\.task) == ["bad"])
        let last = try #require(task.embed.chain.first)
        #expect(last.options["link"]?.elements?.count == 1)
        #expect(last.options["link_error"]?.elements?.count == 1)
    }

    @Test func aClientPublishesACanvasOfItsOwn() throws {
        let counter = Counter()
        let context = CanvasContext(taskID: nil, rootID: nil, replyTo: "us", origin: "gen1@here", now: 0) {
            counter.next()
        }
        let group = Self.group(Self.task("b"), Self.task("c"))
        let canvas = try signature(Self.chain(Self.task("a", "[1]"), group, Self.task("sum")))
        let steps = try Canvas.publishing(canvas, context)
        #expect(steps.tasks.map(\.name) == ["a"])
        #expect(steps.tasks[0].parentID == nil)
        let chord = try #require(steps.tasks[0].embed.chain.first)
        #expect(chord.task == "celery.chord")
        #expect(chord.kwargs["header"]?.elements?.count == 2)
        #expect(chord.kwargs["body"]?["task"]?.string == "sum")
        #expect(chord.kwargs["body"]?["options"]?["task_id"]?.string != nil)
        #expect(chord.kwargs["header"]?.element(0)?["options"]?["task_id"]?.string != nil)
    }

    @Test func aChordWithoutABodyIsRefused() {
        let chord = #"{"task": "celery.chord", "kwargs": {"header": [{"task": "a"}]}, "subtask_type": "chord"}"#
        #expect(throws: WireError.self) { try next(#"{"chain": [\#(chord)]}"#) }
    }

    @Test func deepNestingIsCountedOnce() throws {
        // Counted anew at each level, this would take for ever.
        var text = Self.task("a")
        for _ in 0..<25 { text = Self.chain(Self.task("b"), Self.group(text, Self.task("c"))) }
        let steps = try next(#"{"chain": [\#(Self.chord([text], Self.task("sum")))]}"#)
        #expect(steps.tasks.map(\.name) == ["b"])
        #expect(steps.chordSizes.map(\.size) == [26])
    }

    @Test func aShortMessageThatAsksForFarMoreIsRefused() {
        // Each member of a body that is a group carries the body around it: three times as much at each level.
        var text = Self.task("a")
        for _ in 0..<25 { text = Self.chord([text, Self.task("b")], Self.group(Self.task("c"), Self.task("d"))) }
        #expect(throws: WireError.self) { try next(#"{"chain": [\#(text)]}"#) }
    }

    @Test func whatIsFrozenKeepsItsIDs() throws {
        let body = Self.task("sum", "[]", #"{"task_id": "s1"}"#)
        let header = [Self.task("a", "[]", #"{"task_id": "a1"}"#), Self.task("b", "[]", #"{"task_id": "b1"}"#)]
        let steps = try next(#"{"chain": [\#(Self.chord(header, body, options: #"{"task_id": "g1"}"#))]}"#)
        #expect(steps.tasks.map(\.id) == ["a1", "b1"])
        #expect(steps.children == [.group("g1", parent: nil, [.task("a1"), .task("b1")])])
    }
}
