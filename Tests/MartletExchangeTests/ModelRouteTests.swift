import MartletBase
import MartletExchange
import MartletLogic
import MartletTelemetry
import MartletTesting
import NIOCore
import Testing

@Suite("A model route")
struct ModelRouteTests {
    private func event(_ house: House, _ text: String) throws {
        try house.leg().say("data: \(text)\n\n")
    }

    @Test("answers an unknown model with 404, a bad body with 400", arguments: [
        (#"{"model":"other"}"#, 404, ErrorCode.modelNotFound), ("[1]", 400, .invalidBody),
        (#"{"model":"m","model":"n"}"#, 400, .invalidBody), (#"{"messages":[]}"#, 400, .invalidBody),
        ("{", 400, .invalidBody),
    ])
    func refuses(body: String, status: Int, code: ErrorCode) throws {
        let house = try House()
        let call = house.openChat(.fake("m", house.pool), bytes: body.utf8.count)
        call.exchange.requestBody(ByteBuffer(string: body))
        call.exchange.requestEnd()
        #expect(call.front.status == status)
        #expect(call.front.text.contains("\"code\":\"\(code.text)\""))
        #expect(house.legs.isEmpty)
        house.expectOutcome(.refused)
    }

    @Test("sends the name the target knows, and says how long the body is then")
    func renames() throws {
        let house = try House()
        house.chat(.fake("m", house.pool, as: "org/long-model-name"))
        let leg = try house.leg()
        #expect(leg.received == #"{"model":"org/long-model-name","stream":true}"#)
        #expect(leg.size == .exactly(leg.received.utf8.count))
        leg.answer()
        house.expectOutcome(.completed)
    }

    @Test("neither a slow dial nor a long unary answer is a sign of load, a late first event is")
    func adaptiveLimit() throws {
        let house = try House(targets: 1) { $0.limit = .adaptive }
        func limit() -> Int? { house.pool.status(now: house.manual.now).targets.first?.limit }
        func stream(dial: Duration = .zero, first: Duration = .milliseconds(100)) throws {
            house.chat(.fake("m", house.pool))
            house.manual.advance(dial)
            try house.leg().accept()
            try house.leg().respondWithEvents()
            house.manual.advance(first)
            try event(house, "[DONE]")
            try house.leg().end()
        }
        for _ in 0..<20 { try stream() }
        let before = try #require(limit())
        for _ in 0..<20 { try stream(dial: .milliseconds(1_500)) }
        #expect(limit() == before)
        for _ in 0..<20 {
            house.chat(.fake("m", house.pool))
            try house.leg().accept()
            house.manual.advance(.seconds(20))
            try house.leg().answer()
            try stream()
        }
        #expect(limit() == before)
        for _ in 0..<20 { try stream(first: .milliseconds(1_500)) }
        #expect(try #require(limit()) < before)
        house.expectOutcome(.completed)
    }

    @Test("passes a stream event by event, reads its usage, and ends with [DONE]")
    func stream() throws {
        let house = try House()
        let call = house.chat(.fake("m", house.pool))
        try house.leg().accept()
        try house.leg().respondWithEvents()
        try house.leg().say("data: {\"a\"")
        #expect(call.front.heard == [.head(200)])
        let usage = #"{"usage":{"prompt_tokens":7,"completion_tokens":9,"total_tokens":16}}"#
        try house.leg().say(":1}\n\ndata: \(usage)\n\n")
        try event(house, "[DONE]")
        try house.leg().end()
        #expect(call.front.heard.last == .end)
        #expect(call.front.text.hasPrefix("data: {\"a\":1}\n\n"))
        house.expectOutcome(.completed)
        let row = try #require(house.manual.totals.models.values.first)
        #expect(row.inputTokens.sum == 7)
        #expect(row.outputTokens.sum == 9)
    }

    @Test("a stream that ends without [DONE] ends in an error, aborted")
    func noDone() throws {
        let house = try House()
        let call = house.chat(.fake("m", house.pool))
        try house.leg().accept()
        try house.leg().respondWithEvents()
        try event(house, "1")
        try house.leg().end()
        #expect(call.front.heard.last == .abort)
        #expect(call.front.text.hasPrefix("data: 1\n\ndata: {\"error\":"))
        #expect(call.front.text.contains(ErrorCode.upstreamTruncated.text))
        house.expectOutcome(.truncated)
    }

    @Test("a stream that breaks in the middle of an event shows the error, not the half")
    func brokenMidEvent() throws {
        let house = try House()
        let call = house.chat(.fake("m", house.pool))
        try house.leg().accept()
        try house.leg().respondWithEvents()
        try house.leg().say("data: 1\n\ndata: hal")
        try house.leg().fail(.reset)
        #expect(call.front.text.hasPrefix("data: 1\n\ndata: {\"error\":"))
        #expect(call.front.text.hasSuffix("\n\n"))
        #expect(call.front.heard.last == .abort)
        house.expectOutcome(.truncated)
    }

    @Test("falls back when the pool has no target at all")
    func fallsBackAtOnce() throws {
        let house = try House(targets: 0)
        let spare = try house.addPool("spare", targets: 1)
        let call = house.chat(.fake("m", house.pool, fallback: spare))
        #expect(try house.leg().target?.id == TargetID(11))
        try house.leg().answer()
        #expect(call.front.status == 200)
        house.expectOutcome(.completed)
    }

    @Test("falls back once after the last attempt, with attempts of its own")
    func fallsBackLate() throws {
        let house = try House(targets: 2)
        let spare = try house.addPool("spare", targets: 2)
        let call = house.chat(.fake("m", house.pool, fallback: spare))
        for _ in 0..<4 { try house.leg().fail(.connect, sent: false) }
        #expect(house.legs.count == 4)
        #expect(house.legs.map { $0.target?.id.rawValue ?? 0 > 10 } == [false, false, true, true])
        #expect(call.front.status == 502)
        house.expectOutcome(.upstreamFailed)
    }

    @Test("a retry that the first pool refuses falls back, and both budgets are whole again")
    func fallsBackDuringRetry() throws {
        let house = try House(targets: 1)
        let spare = try house.addPool("spare", targets: 1)
        let call = house.chat(.fake("m", house.pool, fallback: spare))
        // The only target leaves while its attempt runs: the retry finds nobody.
        _ = house.pool.remove(TargetID(1), now: house.manual.now)
        try house.leg().fail(.connect, sent: false)
        #expect(try house.leg().target?.id == TargetID(11))
        #expect(house.pool.status(now: house.manual.now).retriesInProgress == 0)
        try house.leg().answer()
        #expect(call.front.status == 200)
        house.expectOutcome(.completed)
    }

    @Test("a body that the process has no room for is refused")
    func overloaded() throws {
        let house = try House(bufferLimit: 1000)
        let call = house.openChat(.fake("m", house.pool), bytes: 5000)
        call.exchange.requestBody(ByteBuffer(string: #"{"model":"m","x":""# + String(repeating: "a", count: 2000)))
        #expect(call.front.status == 503)
        #expect(call.front.text.contains(ErrorCode.overloaded.text))
        call.exchange.requestBody(ByteBuffer(string: "more"))
        house.expectOutcome(.refused)
    }

    @Test("an answer that is one JSON object has its tokens read as well")
    func unaryUsage() throws {
        let house = try House()
        house.chat(.fake("m", house.pool))
        try house.leg().answer(200, #"{"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#)
        house.expectOutcome(.completed)
        #expect(house.manual.totals.models.values.first?.outputTokens.sum == 4)
    }
}
