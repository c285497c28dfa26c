import MartletWire
import Testing

@Suite("No bytes of Celery's messages trap")
struct CeleryMutationTests {
    private static let messages = [
        CapturedMessages.plain, CapturedMessages.delayed, CapturedMessages.chained, CapturedMessages.chordPart,
        CapturedMessages.linked, CapturedMessages.zipped, CapturedMessages.pickled, CapturedMessages.hello,
        CapturedMessages.taskEvents,
    ].map { Array($0.utf8) }

    /// Everything that reads a message, and what is made of it.
    static func read(_ bytes: [UInt8]) {
        _ = TaskEvent.events(in: bytes)
        _ = try? ControlRequest(bytes).isMeant(for: "w1@host")
        _ = try? TaskResult(parsing: bytes).encode()
        _ = ResultTree(savedGroup: bytes)
        if case .envelope(let envelope) = CeleryEnvelope.read(bytes) { _ = envelope.redelivered(bytes) }
        guard let message = try? TaskMessage(bytes) else { return }
        _ = (message.headers, message.args.value, message.kwargsText, message.argument(0))
        var count = 0
        let context = CanvasContext(of: message, replyTo: "us", origin: "gen1@here", now: 0) {
            count += 1
            return "\(count)"
        }
        _ = try? Canvas.next(after: message, result: .null, context)
        _ = Canvas.failing(after: message, context)
        if let body = message.embed.chord {
            _ = try? Canvas.completing(chord: body, results: [.null], context)
            _ = Canvas.failing(chord: body, context)
        }
        let again = OutgoingTask(retrying: message, eta: 0, replyTo: "us", origin: "gen1@here")
        #expect(throws: Never.self) { try TaskMessage(again.message(deliveryTag: "d", now: 0)) }
    }

    @Test("Changed bytes", arguments: 0..<8)
    func changed(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(700 + seed))
        let marks = Array("{}[]\",:\\0-1e.tfnN ".utf8) + [0, 0xff, 0xc3]
        for message in Self.messages {
            for _ in 0..<60 {
                var bytes = message
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes.remove(at: place)
                    case 1: bytes.insert(marks.randomElement(using: &random) ?? 0, at: place)
                    case 2: bytes.removeSubrange(place..<min(bytes.count, place + 20))
                    default: bytes[place] = marks.randomElement(using: &random) ?? 0
                    }
                    if bytes.isEmpty { bytes = [0] }
                }
                Self.read(bytes)
            }
        }
    }

    @Test("Bodies made of parts", arguments: 0..<8)
    func composed(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(800 + seed))
        for _ in 0..<120 {
            let chain = (0..<Int.random(in: 0...3, using: &random)).map { _ in Self.signature(3, &random) }
            let body =
                #"[[1], {}, {"chain": [\#(chain.joined(separator: ", "))], "callbacks": ["#
                + #"\#(Self.signature(2, &random))], "errbacks": [\#(Self.signature(2, &random))], "chord": "#
                + #"\#(Self.signature(2, &random))}]"#
            Self.read(taskMessage(body: body, headers: #""task": "t", "id": "i", "group": "g""#))
        }
    }

    private static func signature(_ depth: Int, _ random: inout SeededRandom) -> String {
        func many(_ range: ClosedRange<Int>) -> String {
            let count = Int.random(in: range, using: &random)
            return (0..<count).map { _ in signature(depth - 1, &random) }.joined(separator: ", ")
        }
        let options = [
            "{}", #"{"task_id": "x", "group_id": "y"}"#, #"{"link": {"task": "l"}, "link_error": [{"task": "e"}]}"#, "null",
            #"{"chord": {"task": "c"}, "group_id": "z", "group_index": 1}"#, #"{"chain": [{"task": "n"}], "eta": 5}"#,
        ].randomElement(using: &random) ?? "{}"
        switch depth == 0 ? 0 : Int.random(in: 0..<5, using: &random) {
        case 1, 2:
            let kind = Bool.random(using: &random) ? "chain" : "group"
            return #"{"task": "celery.\#(kind)", "subtask_type": "\#(kind)", "kwargs": {"tasks": [\#(many(0...3))]}, "#
                + #""options": \#(options)}"#
        case 3:
            return #"{"task": "celery.chord", "subtask_type": "chord", "kwargs": {"header": [\#(many(0...2))], "body": "#
                + #"\#(signature(depth - 1, &random))}, "options": \#(options)}"#
        default: return #"{"task": "t", "args": [1], "options": \#(options), "immutable": \#(Bool.random(using: &random))}"#
        }
    }

    @Test("Noise")
    func noise() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<2000 {
            let length = Int.random(in: 0...60, using: &random)
            Self.read((0..<length).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
    }
}
