import MartletWire
import Testing

@Suite struct CeleryEnvelopeTests {
    /// As Celery 5.7 sends it.
    private static let message = """
        {"body": "W1siSGVsbG8gQ1BVIl0sIHt9LCB7ImNhbGxiYWNrcyI6IG51bGx9XQ==", "content-encoding": "utf-8", \
        "content-type": "application/json", "headers": {"lang": "py", "task": "tasks.simple_task", "id": "1111-2222", \
        "shadow": null, "eta": null, "expires": null, "group": null, "group_index": null, "retries": 0, "timelimit": \
        [null, null], "root_id": "1111-2222", "parent_id": null, "argsrepr": "('Hello CPU',)", "kwargsrepr": "{}", \
        "origin": "gen13595@vm", "ignore_result": false, "replaced_task_nesting": 0, "stamped_headers": null, \
        "stamps": {}}, "properties": {"correlation_id": "1111-2222", "reply_to": "9695095e", "delivery_mode": 2, \
        "delivery_info": {"exchange": "", "routing_key": "cpu_queue"}, "priority": 3, "body_encoding": "base64", \
        "delivery_tag": "81516c80"}}
        """

    private func read(_ text: String) -> CeleryEnvelope.Reading { CeleryEnvelope.read(Array(text.utf8)) }

    private func envelope(_ text: String) throws -> CeleryEnvelope {
        guard case .envelope(let envelope) = read(text) else {
            throw Problem(reading: read(text))
        }
        return envelope
    }

    private struct Problem: Error {
        var reading: CeleryEnvelope.Reading
    }

    /// The smallest task, with some text in place of other.
    private func small(_ change: (inout String) -> Void) -> String {
        var text =
            #"{"body":"e30=","headers":{"task":"t","id":"i"},"properties":{"delivery_tag":"x","#
            + #""delivery_info":{"exchange":"","routing_key":"q"}}}"#
        change(&text)
        return text
    }

    @Test func aTaskOfTheSecondVersionIsInTheHeaders() throws {
        let envelope = try envelope(Self.message)
        #expect(envelope.deliveryTag == "81516c80")
        #expect(envelope.exchange == "")
        #expect(envelope.routingKey == "cpu_queue")
        #expect(envelope.priority == 3)
        #expect(!envelope.isRedelivered)
        #expect(envelope.task == CeleryTask(version: .two, id: "1111-2222", name: "tasks.simple_task"))
    }

    @Test func timesAreRead() throws {
        let text = Self.message.replacing(
            #""eta": null, "expires": null"#,
            with: #""eta": "2026-11-21T01:31:42.837116+00:00", "expires": "2026-11-21T01:36:12+00:00""#)
        let task = try #require(try envelope(text).task)
        #expect(task.eta == 1_795_224_702_838)
        #expect(task.expires == 1_795_224_972_000)
    }

    @Test func aTaskOfTheFirstVersionIsInTheBody() throws {
        // {"task": "tasks.add", "id": "v1", "args": [1], "eta": "2026-11-21T01:31:42", "utc": true}
        let body =
            "eyJ0YXNrIjogInRhc2tzLmFkZCIsICJpZCI6ICJ2MSIsICJhcmdzIjogWzFdLCAiZXRhIjogIjIwMjYtMTEtMjFUMDE6MzE6NDIiLCAi"
            + "dXRjIjogdHJ1ZX0="
        let text =
            #"{"body":"\#(body)","content-type":"application/json","headers":{},"properties":{"delivery_tag":"x","#
            + #""body_encoding":"base64","delivery_info":{"exchange":"","routing_key":"q"}}}"#
        let task = CeleryTask(version: .one, id: "v1", name: "tasks.add", eta: 1_795_224_702_000)
        #expect(try envelope(text).task == task)
        let plain = text.replacing(body, with: #"{\"id\":\"v1\",\"task\":\"tasks.add\",\"eta\":null,\"utc\":false}"#)
            .replacing(#""body_encoding":"base64","#, with: "")
        #expect(try envelope(plain).task == CeleryTask(version: .one, id: "v1", name: "tasks.add"))
    }

    @Test func aLocalTimeIsLeftToWorkers() throws {
        let text =
            #"{"body":"{\"task\":\"t\",\"id\":\"i\",\"eta\":\"2026-11-21T01:31:42\",\"utc\":false}","#
            + #""content-type":"application/json","properties":{"delivery_tag":"x","#
            + #""delivery_info":{"exchange":"","routing_key":"q"}}}"#
        #expect(try envelope(text).task == CeleryTask(version: .one, id: "i", name: "t"))
    }

    @Test func repliesOfRemoteControlAreNoTasks() throws {
        let text =
            #"{"body":"eyJ3MUBob3N0Ijoge319","content-type":"application/json","headers":{"ticket":"a","clock":1},"#
            + #""properties":{"delivery_tag":"x","body_encoding":"base64","#
            + #""delivery_info":{"exchange":"reply.celery.pidbox","routing_key":"oid"}}}"#
        #expect(try envelope(text).task == nil)
    }

    @Test func whatOthersAddIsPassedOver() throws {
        let text = small {
            $0 = $0.replacing(#""id":"i""#, with: #""id":"i","x-unique":{"a":[1,{"b":"}"}]},"eta":null"#)
            $0 = $0.replacing(#"{"body""#, with: #"{ "other" : [true, -1.5e3] , "body""#)
        }
        #expect(try envelope(text).task?.id == "i")
    }

    @Test(arguments: [
        ("\"body\":\"e30=\",", "", CeleryFlaw.noBody), ("\"e30=\"", "null", .noBody), ("\"e30=\"", "{}", .noBody),
        ("\"delivery_tag\":\"x\",", "", .noDeliveryTag), ("\"x\"", "5", .noDeliveryTag),
        ("\"x\"", "\"\"", .noDeliveryTag),
        (",\"delivery_info\":{\"exchange\":\"\",\"routing_key\":\"q\"}", "", .noDeliveryInfo),
        ("\"exchange\":\"\",", "", .noExchange), (",\"routing_key\":\"q\"", "", .noRoutingKey),
        (",\"id\":\"i\"", "", .noTaskID), ("\"i\"", "7", .noTaskID), ("\"t\"", "7", .noTaskName),
        ("\"i\"", "\"i\",\"eta\":\"tomorrow\"", .badETA), ("\"i\"", "\"i\",\"expires\":\"never\"", .badExpiry),
        ("}}}", "}}", .notJSON), ("}}}", "}}}x", .notJSON), ("\"x\"", "\"x", .notJSON),
    ])
    func aBrokenOneIsNamedSo(_ part: String, _ other: String, _ flaw: CeleryFlaw) {
        #expect(read(small { $0 = $0.replacing(part, with: other) }) == .broken(flaw))
    }

    @Test(arguments: ["", "text", "[1]", "{}", #"{"a":1}"#, #"{"body":"x"}"#, "5", #"{"headers":{"a":1}}"#])
    func whatWasNeverMeantToBeOneIsForeign(_ text: String) {
        guard case .foreign = read(text) else { return #expect(Bool(false), "\(read(text))") }
    }

    @Test func whatIsGivenBackIsMarkedInBothPlaces() throws {
        let message = Array(Self.message.utf8)
        let marked = String(decoding: try envelope(Self.message).redelivered(message), as: UTF8.self)
        #expect(marked.contains(#""headers": {"redelivered": true, "lang""#))
        #expect(marked.contains(#""delivery_info": {"redelivered": true, "exchange""#))
        let again = try envelope(marked)
        #expect(again.isRedelivered)
        #expect(String(decoding: again.redelivered(Array(marked.utf8)), as: UTF8.self) == marked)
        #expect(again.task == (try envelope(Self.message).task))
    }

    @Test func marksThatSayNoAreChanged() throws {
        let text = small {
            $0 = $0.replacing(#""id":"i""#, with: #""id":"i","redelivered":false"#)
        }
        let marked = String(decoding: try envelope(text).redelivered(Array(text.utf8)), as: UTF8.self)
        #expect(marked.contains(#""id":"i","redelivered":true"#))
        let bare =
            #"{"body":"","headers":{},"properties":{"delivery_tag":"x","#
            + #""delivery_info":{"exchange":"","routing_key":"q"}}}"#
        #expect(
            String(decoding: try envelope(bare).redelivered(Array(bare.utf8)), as: UTF8.self)
                .contains(#""headers":{"redelivered": true}"#))
    }

    @Test func whatAConsumerWritesDownHoldsTheMessage() throws {
        let note = try #require(CeleryReservation(Array("[\(Self.message), \"\", \"cpu_queue\"]".utf8)))
        #expect(note.message == Array(Self.message.utf8))
        #expect(note.exchange == "")
        #expect(note.routingKey == "cpu_queue")
        for text in ["", "{}", "[]", "[1,2]", "[{},\"\",1]", "[{},\"\",\"q\"] x", "[{},\"\",\"q\""] {
            #expect(CeleryReservation(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test func bytesCutOrChangedAnywhereEndNothing() {
        let message = Array(Self.message.utf8)
        for length in 0..<message.count {
            if case .envelope = CeleryEnvelope.read(Array(message.prefix(length))) { #expect(Bool(false), "\(length)") }
        }
        for index in message.indices {
            var changed = message
            for byte in [0, 0x22, 0x5c, 0x7b, 0x7d, 0xff] as [UInt8] {
                changed[index] = byte
                if case .envelope(let envelope) = CeleryEnvelope.read(changed) {
                    _ = envelope.redelivered(changed)
                }
            }
        }
    }
}
