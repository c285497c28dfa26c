import MartletWire
import Testing

/// A message with a body in plain text.
func taskMessage(
    body: String, headers: String = #""task": "tasks.add", "id": "i1""#, properties: String = "",
    contentType: String = "application/json"
) -> [UInt8] {
    Array(
        (#"{"body": "# + RawJSON(body).text + #", "content-type": "\#(contentType)", "headers": {\#(headers)}, "#
            + #""properties": {\#(properties)"delivery_tag": "t1", "delivery_info": {"exchange": "", "#
            + #""routing_key": "celery"}}}"#).utf8)
}

@Suite struct TaskMessageTests {
    @Test func aMessageOfCeleryIsReadWhole() throws {
        let message = try TaskMessage(Array(CapturedMessages.plain.utf8))
        #expect(message.version == .two)
        #expect(message.id == "11111111-1111-4111-8111-111111111111")
        #expect(message.name == "tasks.simple_task")
        #expect(message.title == "tasks.simple_task")
        #expect(message.args.text == #"["Hello CPU"]"#)
        #expect(message.argument(0) == "Hello CPU")
        #expect(message.argument(1) == nil)
        #expect(message.kwargs.text == "{}")
        #expect(message.embed.isEmpty)
        #expect(message.retries == 0)
        #expect(message.eta == nil)
        #expect(message.hardLimit == nil)
        #expect(message.root == message.id)
        #expect(message.parentID == nil)
        #expect(message.ignoreResult == false)
        #expect(message.replyTo == "9695095e-0841-38bd-95d6-d264dd137e8c")
        #expect(message.correlationID == message.id)
        #expect(message.origin == "gen13595@vm")
        #expect(message.priority == 0)
        #expect(message.exchange == "")
        #expect(message.routingKey == "cpu_queue")
        #expect(message.deliveryTag == "81516c80-7d0d-4245-9e2f-84adc35522ca")
        #expect(!message.isRedelivered)
        #expect(message.argsText == "('Hello CPU',)")
        #expect(message.headers["lang"]?.string == "py")
        #expect(message.headers["stamps"]?.text == "{}")
    }

    @Test func timesLimitsAndPrioritiesAreRead() throws {
        let delayed = try TaskMessage(Array(CapturedMessages.delayed.utf8))
        #expect(delayed.eta == 1_795_224_702_838)
        #expect(delayed.etaText == "2026-11-21T01:31:42.837116+00:00")
        #expect(delayed.expires == 1_795_224_972_838)
        #expect(delayed.priority == 6)
        let linked = try TaskMessage(Array(CapturedMessages.linked.utf8))
        #expect(linked.hardLimit == 30)
        #expect(linked.softLimit == 20)
        #expect(linked.embed.callbacks.map(\.task) == ["tasks.add"])
        #expect(linked.embed.errbacks.map(\.task) == ["tasks.xsum"])
    }

    @Test func whatFollowsIsRead() throws {
        let chained = try TaskMessage(Array(CapturedMessages.chained.utf8))
        #expect(chained.embed.chain.map(\.args.text) == ["[8]", "[4]"])
        #expect(chained.embed.chain[1].id == "abb4a516-7eea-4297-bc50-4a29e66b7cfc")
        #expect(!chained.embed.chain[0].isImmutable)
        let part = try TaskMessage(Array(CapturedMessages.chordPart.utf8))
        #expect(part.group == "e862b671-482b-468c-93ae-05db9fe70808")
        #expect(part.groupIndex == 1)
        #expect(part.embed.chord?.task == "tasks.xsum")
    }

    @Test func compressedBodiesAreUnpacked() throws {
        let message = try TaskMessage(Array(CapturedMessages.zipped.utf8))
        #expect(message.compression == "application/x-gzip")
        #expect(message.args.text == "[7, 7]")
    }

    /// Made by Python's zlib: stored, with fixed and with its own codes.
    @Test(
        arguments: [
            ("eAEBDwDw/1tbMV0sIHt9LCBudWxsXST9BO0=", 3), ("eJyLjlZKHAVEA6VYHYXqWhCOBQDV2HXp", 304),
            (
                "eNqNUkEKhDAM/Ero2R9JD5EtKkRXWPck/l1oLUxMXPeStulkZtK0bUOXVqa0fEZ5z8SyDEw9TxOf+1eS1Yu5DCEWrklLrlA/aGL0"
                    + "SHI5qlYQXGgL+QK0AWib1ZJQik4r6FbnF+z+fUwHwFjxfznWUqXEDsrr6LqCD8UMP0DlnWFo5/qEBq8UXo9PWva3eeAQG9r2huav"
                    + "SDwAw4wa6g==", 762
            ),
        ])
    func everyKindOfCompressedBlockIsUnpacked(_ body: String, _ length: Int) throws {
        let bytes = Self.compressed(body)
        #expect(try TaskMessage(bytes).args.bytes.count == length)
        for place in body.indices {
            var broken = body
            broken.replaceSubrange(place...place, with: body[place] == "A" ? "B" : "A")
            // Wrong, or by chance right: it ends either way.
            _ = try? TaskMessage(Self.compressed(broken))
        }
        // Padding alone may be missing.
        for count in body.prefix(while: { $0 != "=" }).indices {
            #expect(throws: TaskMessageFlaw.self) { try TaskMessage(Self.compressed(String(body[..<count]))) }
        }
    }

    private static func compressed(_ body: String) -> [UInt8] {
        taskMessage(
            body: body, headers: #""task": "t", "id": "i", "compression": "application/x-gzip""#,
            properties: #""body_encoding": "base64", "#)
    }

    @Test func pickleIsRefusedWithTheRemedy() {
        #expect {
            try TaskMessage(Array(CapturedMessages.pickled.utf8))
        } throws: { error in
            guard let flaw = error as? TaskMessageFlaw else { return false }
            return flaw.kind == .contentType("application/x-python-serialize") && flaw.text.contains("pickle")
                && flaw.text.contains("task_serializer = 'json'")
                && flaw.id == "012aa406-f612-4dc7-b770-13d6e5827bd3" && flaw.name == "tasks.add"
        }
    }

    @Test(arguments: ["application/x-yaml", "application/x-msgpack", "text/plain"])
    func otherContentTypesAreLeftUnreadForWhoeverCan(_ type: String) throws {
        let message = try TaskMessage(taskMessage(body: "[[1], {}, {}]", contentType: type))
        #expect(message.bodyFlaw == TaskMessageFlaw(.contentType(type), id: "i1", name: "tasks.add"))
        #expect(message.args.text == "[]")
    }

    @Test(arguments: ["application/zstd", "application/x-bz2", "application/x-lzma", "application/x-brotli"])
    func otherCompressionIsLeftUnreadForWhoeverCan(_ kind: String) throws {
        let message = try TaskMessage(
            taskMessage(body: "[[], {}, {}]", headers: #""task": "t", "id": "i", "compression": "\#(kind)""#))
        #expect(message.bodyFlaw == TaskMessageFlaw(.compression(kind), id: "i", name: "t"))
        #expect(message.id == "i")
    }

    @Test func whatCanBeReadHasNoFlaw() throws {
        #expect(try TaskMessage(taskMessage(body: "[[], {}, {}]")).bodyFlaw == nil)
    }

    @Test func theFirstVersionBecomesTheSecond() throws {
        let body =
            #"{"task": "tasks.add", "id": "v1", "args": [1, "a"], "kwargs": {"x": 2}, "retries": 2, "eta": "#
            + #""2026-11-21T01:31:42", "timelimit": [30, 20], "taskset": "g1", "chord": {"task": "tasks.xsum"}, "#
            + #""callbacks": [{"task": "tasks.b"}], "errbacks": null, "utc": true}"#
        let message = try TaskMessage(taskMessage(body: body, headers: ""))
        #expect(message.version == .one)
        #expect(message.id == "v1")
        #expect(message.args.text == #"[1, "a"]"#)
        #expect(message.keyword("x") == 2)
        #expect(message.argsText == "(1, 'a')")
        #expect(message.kwargsText == "{'x': 2}")
        #expect(message.retries == 2)
        #expect(message.eta == 1_795_224_702_000)
        #expect(message.hardLimit == 30)
        #expect(message.group == "g1")
        #expect(message.embed.chord?.task == "tasks.xsum")
        #expect(message.embed.callbacks.map(\.task) == ["tasks.b"])
        #expect(message.embed.chain == [])
    }

    @Test func aLocalTimeOfTheFirstVersionIsNoTime() throws {
        let body = #"{"task": "t", "id": "v1", "eta": "2026-11-21T01:31:42", "utc": false}"#
        #expect(try TaskMessage(taskMessage(body: body, headers: "")).eta == nil)
    }

    @Test func theSmallestMessageHasDefaults() throws {
        let message = try TaskMessage(taskMessage(body: "[[1, 2], {}, null]"))
        #expect(message.embed.isEmpty)
        #expect(message.ignoreResult == nil)
        #expect(message.argsText == "(1, 2)")
        #expect(message.kwargsText == "{}")
        #expect(message.origin == nil)
        #expect(message.stampedHeaders == [])
    }

    @Test func whatMartletNeedNotReadItDoesNotChange() throws {
        let args = #"[123456789012345678901234567890, {"__type__": "decimal", "__value__": "1.10"}, 1.0, NaN]"#
        #expect(try TaskMessage(taskMessage(body: "[\(args), {\"b\": 1, \"a\": 2}, {}]")).args.text == args)
    }

    @Test func aRedeliveredMessageSaysSo() throws {
        #expect(
            try TaskMessage(
                taskMessage(body: "[[], {}, {}]", headers: #""task": "t", "id": "i", "redelivered": true"#)
            ).isRedelivered)
        #expect(
            try !TaskMessage(
                taskMessage(body: "[[], {}, {}]", headers: #""task": "t", "id": "i", "redelivered": false"#)
            ).isRedelivered)
    }

    @Test(
        arguments: [
            "", "x", "{}", "[[], {}]", "[[], {}, {}, 1]", "[{}, {}, {}]", "[[], [], {}]", "[[], {}, 5]",
            #"[[], {}, {"chain": 5}]"#, #"[[], {}, {"chain": [5]}]"#, #"[[], {}, {"chord": {"args": []}}]"#,
            #"[[], {}, {"callbacks": [{"task": "t", "args": {}}]}]"#, "[[1,], {}, {}]", "[[], {}, {}",
        ])
    func aBodyThatIsNoneIsRefused(_ body: String) {
        #expect {
            try TaskMessage(taskMessage(body: body))
        } throws: { error in
            guard let flaw = error as? TaskMessageFlaw, case .body = flaw.kind else { return false }
            return flaw.id == "i1" && !flaw.text.isEmpty
        }
    }

    @Test func whatIsNoTaskIsNamedSo() {
        #expect(throws: TaskMessageFlaw(.noTask)) { try TaskMessage(taskMessage(body: #"{"a": 1}"#, headers: "")) }
        #expect(throws: TaskMessageFlaw(.envelope(.noTaskID))) {
            try TaskMessage(taskMessage(body: "[[], {}, {}]", headers: #""task": "t""#))
        }
        #expect(throws: TaskMessageFlaw(.envelope(.notAnObject))) { try TaskMessage(Array("[]".utf8)) }
        #expect(throws: TaskMessageFlaw(.envelope(.notJSON))) { try TaskMessage(Array("{".utf8)) }
        #expect(throws: TaskMessageFlaw(.envelope(.noBody))) { try TaskMessage(Array("{}".utf8)) }
    }

    @Test func stampsAreRead() throws {
        let headers = #""task": "t", "id": "i", "stamped_headers": ["run", "by"], "stamps": {"run": 7, "by": ["me"]}"#
        let message = try TaskMessage(taskMessage(body: "[[], {}, {}]", headers: headers))
        #expect(message.stampedHeaders == ["run", "by"])
        #expect(message.stamps?["run"]?.integer == 7)
    }
}
