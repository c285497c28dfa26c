import MartletWire
import Testing

@Suite struct ControlTests {
    private func request(_ body: String) throws -> ControlRequest {
        let envelope = #"{"body": \#(RawJSON(body).text), "headers": {"clock": 7}, "properties": {}}"#
        return try ControlRequest(Array(envelope.utf8))
    }

    @Test func aRequestOfCeleryIsRead() throws {
        let request = try ControlRequest(Array(CapturedMessages.hello.utf8))
        #expect(request.method == "hello")
        #expect(request.arguments == ["from_node": "w1@host", "revoked": []])
        #expect(request.destination == nil)
        #expect(request.ticket == "11531e14-b56e-4c80-9ccd-beb81db740f6")
        #expect(request.replyTo?.exchange == "reply.celery.pidbox")
        #expect(request.clock == 1)
        #expect(request.expires == 1795224692.0732377)
        #expect(request.isMeant(for: "anybody@anywhere"))
        #expect(ControlRequest.channel(database: 2) == "/2.celery.pidbox")
    }

    @Test func anAnswerGoesToWhoAsked() throws {
        let request = try ControlRequest(Array(CapturedMessages.hello.utf8))
        let answer = try #require(
            ControlReply.publication(
                ControlReply.hello(revoked: [], clock: 30), from: "swift@node1", to: request, clock: 31,
                deliveryTag: "d"))
        #expect(answer.key == "6621dec2-d75b-3bcc-859e-06174f9dcdab.reply.celery.pidbox")
        let message = try KombuMessage(answer.message)
        #expect(message.body.text == #"{"swift@node1": {"clock": 30, "revoked": []}}"#)
        #expect(message.headers.json.text == #"{"ticket": "11531e14-b56e-4c80-9ccd-beb81db740f6", "clock": 31}"#)
        let envelope = try RawJSON(answer.message)
        #expect(envelope["properties"]?["delivery_info"]?["exchange"]?.string == "reply.celery.pidbox")
        #expect(
            envelope["properties"]?["delivery_info"]?["routing_key"]?.string == "6621dec2-d75b-3bcc-859e-06174f9dcdab")
    }

    @Test func whoWaitsForNothingGetsNothing() throws {
        let request = try request(#"{"method": "shutdown", "arguments": null, "destination": null}"#)
        #expect(request.replyTo == nil)
        #expect(request.clock == 7)
        #expect(request.expires == nil)
        #expect(ControlReply.publication(.null, from: "w", to: request, clock: 1, deliveryTag: "d") == nil)
    }

    @Test(
        arguments: [
            (#""destination": ["w1@host", "w2@host"]"#, true), (#""destination": ["w2@host"]"#, false),
            (#""destination": []"#, true), (#""pattern": "w?@*", "matcher": "glob""#, true),
            (#""pattern": "w[0-3]@host", "matcher": "glob""#, true),
            (#""pattern": "w[!1]@host", "matcher": "glob""#, false),
            (#""pattern": "*x", "matcher": "glob""#, false), (#""pattern": "w1@h", "matcher": "glob""#, false),
            (#""pattern": "w\\d@h", "matcher": "pcre""#, true), (#""pattern": "1@host", "matcher": "pcre""#, false),
            (#""pattern": "w(", "matcher": "pcre""#, false), (#""pattern": "w*", "matcher": "other""#, false),
            (#""pattern": null, "matcher": null"#, true),
        ])
    func onlyThoseThatAreMeantAnswer(_ whom: String, _ isMeant: Bool) throws {
        #expect(try request(#"{"method": "ping", \#(whom)}"#).isMeant(for: "w1@host") == isMeant)
    }

    @Test func aPatternOfManyStarsTakesNoTime() throws {
        let pattern = String(repeating: "*a", count: 100)
        let name = String(repeating: "a", count: 99) + "b"
        #expect(try !request(#"{"method": "ping", "pattern": "\#(pattern)", "matcher": "glob"}"#).isMeant(for: name))
    }

    @Test(arguments: ["5", "{}", "[]", #"{"method": 5}"#, "x"])
    func whatIsNoRequestIsRefused(_ body: String) {
        #expect(throws: WireError.self) { try request(body) }
    }

    @Test func shapesAreThoseThatCelerysToolsRead() throws {
        #expect(ControlReply.pong == ["ok": "pong"])
        #expect(ControlReply.unknown("x") == ["error": "KeyError('x')"])
        #expect(ControlReply.revoked(["b", "a"]) == ["ok": "tasks {'a', 'b'} flagged as revoked"])
        #expect(ControlReply.terminated([]) == ["ok": "terminate: tasks unknown"])
        #expect(ControlReply.autoscale(maximum: 4, minimum: 2) == ["ok": "autoscale now max=4 min=2"])
        let queue = ControlReply.queue("cpu_queue")
        for name in ["exclusive", "no_declare", "max_priority", "bindings", "alias", "consumer_arguments"] {
            #expect(queue[name] != nil, "\(name)")
        }
        #expect(queue["exchange"]?["type"] == "direct")
        let message = try TaskMessage(Array(CapturedMessages.delayed.utf8))
        let task = ControlReply.task(
            message, hostname: "w1@host", isSafe: false, startedAt: 5.5, isAcknowledged: true, processID: 9)
        #expect(task["args"] == ["prio"])
        #expect(task["time_start"] == .number(5.5))
        #expect(task["delivery_info"]?["priority"] == 6)
        let safe = ControlReply.task(
            message, hostname: "w1@host", isSafe: true, startedAt: nil, isAcknowledged: false, processID: nil)
        #expect(safe["args"] == "('prio',)")
        #expect(safe["worker_pid"] == .null)
        #expect(ControlReply.scheduled(message, task: task)["eta"] == "2026-11-21T01:31:42.838000+00:00")
    }
}
