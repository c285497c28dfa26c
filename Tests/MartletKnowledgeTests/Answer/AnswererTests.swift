import MartletBase
import MartletKnowledge
import MartletLogic
import MartletStore
import Synchronization
import Testing

@Suite("Answers from bases")
struct AnswererTests {
    private static let texts = ["年假：员工入职满一年后享受带薪年假5天。", "病假工资按基本工资的80%发放。", "婚假3天。"]
    private static let said = "员工入职满一年后享受带薪年假5天[1]。"

    private func cache() -> MemoryAnswerCache { MemoryAnswerCache(now: { Instant(nanoseconds: 1) }) }
    private func question(_ text: String = "员工年假有几天？") -> Question { Question(text, bases: ["a"]) }

    @Test("Sources, thoughts and text, citations, end: in this order, after one search, one vector, one call")
    func answered() async throws {
        let (bases, model) = (FakeBases(Self.texts), FakeModel(saying: "<think>哪条？</think>\n" + Self.said))
        let heard = try await Heard(Answerer(source: bases, model: model).answer(question()))
        #expect(heard.order == ["sources", "reasoning", "text", "citations", "end"])
        #expect((heard.reasoning, heard.text) == ("哪条？", Self.said))
        #expect(heard.sources.count == 3)
        #expect(heard.citations.map(\.flaws) == [[]])
        #expect(heard.citations[0].citations == [.init(source: 1, range: 0..<Self.texts[0].unicodeScalars.count)])
        #expect(heard.end == AnswerEnd(kind: .answered, promptTokens: 10, answerTokens: 5))
        #expect(bases.state.withLock { [$0.searches, $0.vectors] } == [1, 1])
        #expect(model.calls.count == 1)
    }

    @Test("What the model makes up is told, and marked")
    func lie() async throws {
        let model = FakeModel(saying: "员工入职满一年后享受带薪年假15天[1]。")
        let heard = try await Heard(Answerer(source: FakeBases(Self.texts), model: model).answer(question()))
        #expect(heard.citations.map(\.flaws) == [[.unknownDetail("15天")]])
    }

    @Test("What the bases do not have is refused without a call")
    func refused() async throws {
        let model = FakeModel(saying: "x")
        for bases in [FakeBases([]), FakeBases(Self.texts)] {
            bases.state.withLock { $0.vectorError = KnowledgeError(.unavailable, "down") }
            let heard = try await Heard(Answerer(source: bases, model: model).answer(question("如何种植番茄和黄瓜？")))
            #expect(heard.end?.kind == .refused && heard.sources.isEmpty)
            #expect(heard.text == AnswerLanguage.chinese.refusal)
        }
        #expect(model.calls.isEmpty)
    }

    @Test("A model that refuses by itself is a refusal, and is not kept")
    func ownRefusal() async throws {
        let model = FakeModel(saying: AnswerLanguage.chinese.refusal)
        let cache = cache()
        let heard = try await Heard(Answerer(source: FakeBases(Self.texts), model: model,
            cache: cache).answer(question()))
        #expect(heard.end?.kind == .refused)
        #expect(cache.figures.kept == 0)
    }

    @Test(
        "A model that is down, absent, not wanted, silent or busy costs an answer its words, not its passages",
        arguments: zip(0..<6, [.down, .absent, nil, .slow, .busy, .absent] as [ModelTrouble?]))
    func degraded(_ way: Int, _ trouble: ModelTrouble?) async throws {
        var asked = question()
        var settings = AnswererSettings()
        let model: FakeModel?
        switch way {
        case 0: model = FakeModel { _ in [.fail] }
        case 1: model = nil
        case 2: (model, asked.model) = (FakeModel(saying: "x"), "")
        case 3: (model, settings.patience) = (FakeModel { _ in [.wait] }, .milliseconds(20))
        case 4: model = FakeModel { _ in [.refuse(.overloaded)] }
        default: (model, asked.model) = (FakeModel { _ in [.refuse(.notFound)] }, "none")
        }
        let answerer = Answerer(source: FakeBases(Self.texts), model: model, settings: settings)
        let heard = try await Heard(answerer.answer(asked))
        #expect(heard.end == AnswerEnd(kind: .degraded, trouble: trouble))
        #expect(heard.order == ["sources", "text", "citations", "end"])
        let scalars = Array(heard.text.unicodeScalars)
        #expect(heard.citations.map { String(String.UnicodeScalarView(scalars[$0.range])) } == Self.texts)
        // Where nobody is to be asked, nobody is missed.
        let opening = way == 1 || way == 2 ? AnswerLanguage.chinese.passages : AnswerLanguage.chinese.degraded
        #expect(heard.text.hasPrefix(opening))
        if way == 3 { #expect(model?.state.withLock { $0.ended } == 1) }
    }

    @Test("A stream that breaks off leaves what was said, checked, and the passages")
    func brokenOff() async throws {
        let model = FakeModel { _ in [.piece(.text(Self.said)), .wait, .fail] }
        model.gate.open()
        let heard = try await Heard(Answerer(source: FakeBases(Self.texts), model: model).answer(question()))
        #expect(heard.end == AnswerEnd(kind: .degraded, finishReason: "error", trouble: .down))
        #expect(heard.text.hasPrefix(Self.said) && heard.text.contains(Self.texts[2]))
        let scalars = Array(heard.text.unicodeScalars)
        #expect(heard.citations.map { String(String.UnicodeScalarView(scalars[$0.range])) } == [Self.said] + Self.texts)
    }

    @Test("A model that goes on for ever is cut")
    func endless() async throws {
        var settings = AnswererSettings()
        settings.maximumBytes = 1000
        let model = FakeModel { _ in (0..<10_000).map { _ in .piece(.text("年假")) } }
        let heard = try await Heard(Answerer(source: FakeBases(Self.texts), model: model,
            settings: settings).answer(question()))
        #expect(heard.end?.finishReason == "length" && heard.text.utf8.count < 1100)
    }

    @Test("Without a vector words are searched for; without a search there is the error")
    func failures() async throws {
        let bases = FakeBases(Self.texts)
        bases.state.withLock { $0.vectorError = KnowledgeError(.overloaded, "busy") }
        let answerer = Answerer(source: bases, model: FakeModel(saying: Self.said))
        #expect(try await Heard(answerer.answer(question())).end?.kind == .answered)
        bases.state.withLock { $0.error = KnowledgeError(.notFound, "There is no base a.") }
        await #expect(throws: KnowledgeError(.notFound, "There is no base a.")) {
            try await Heard(answerer.answer(question()))
        }
        var settings = AnswererSettings()
        settings.maximumQuestionBytes = 3
        let strict = Answerer(source: bases, model: nil, settings: settings)
        await #expect(throws: KnowledgeError.self) { try await Heard(strict.answer(question())) }
    }

    @Test("What was said before counts as far as its bytes go, the latest first")
    func longHistory() async throws {
        var settings = AnswererSettings()
        settings.maximumHistoryBytes = 10
        let model = FakeModel(saying: Self.said)
        var asked = question()
        asked.history = [.init(.user, "oldest"), .init(.assistant, "yes"), .init(.user, "before"), .init(.assistant, "now")]
        let answerer = Answerer(source: FakeBases(Self.texts), model: model, settings: settings)
        _ = try await Heard(answerer.answer(asked))
        let said = try #require(model.calls.last).map(\.text)
        #expect(said.contains("before") && said.contains("now") && !said.contains("oldest"))
    }

    @Test("A reader who goes stops the search, or the model's call")
    func gone() async throws {
        let bases = FakeBases(Self.texts, isOpen: false)
        let model = FakeModel { _ in [.piece(.text("a")), .wait] }
        let answerer = Answerer(source: bases, model: model, cache: cache())
        let searching = Task { _ = try? await Heard(answerer.answer(question())) }
        await bases.gate.arrivals(1)
        searching.cancel()
        await bases.gate.departures(1)
        await searching.value
        bases.gate.open()
        let asking = Task { _ = try? await Heard(answerer.answer(question())) }
        await model.gate.arrivals(1)
        asking.cancel()
        await model.gate.departures(1)
        await asking.value
        #expect(model.state.withLock { $0.ended } == 1)
        #expect(answerer.underWay == 0)
    }

    @Test("A question that leans on a session's is searched for with what it leans on, and the session goes on")
    func session() async throws {
        let sessions = FakeSessions()
        let model = FakeModel { messages in
            let isRewriting = messages[0].text.contains("改写")
            return FakeModel.pieces(isRewriting ? "病假工资是多少？" : "病假工资按基本工资的80%发放[2]。")
        }
        let answerer = Answerer(source: FakeBases(Self.texts), model: model, sessions: sessions)
        var first = question("年假工资怎么算，员工病假呢，请假制度？")
        first.session = "s"
        _ = try await Heard(answerer.answer(first))
        var second = question("那病假呢？")
        second.session = "s"
        let heard = try await Heard(answerer.answer(second))
        #expect(heard.end?.kind == .answered && heard.citations.map(\.flaws) == [[]])
        #expect(model.calls.count == 3)
        #expect(model.calls[2].map(\.role) == [.system, .user, .assistant, .user])
        #expect(try await sessions.turns(of: "s").map(\.speaker) == ["user", "assistant", "user", "assistant"])
        #expect(try await sessions.turns(of: "s")[2].text == "那病假呢？")
    }

    @Test("Passages in place of an answer are not remembered as what the assistant said, the question is")
    func degradedSession() async throws {
        let sessions = FakeSessions()
        let down = FakeModel { _ in [.piece(.text(Self.said)), .wait, .fail] }
        down.gate.open()
        var first = question()
        first.session = "s"
        for model in [nil, down] {
            let answerer = Answerer(source: FakeBases(Self.texts), model: model, sessions: sessions)
            #expect(try await Heard(answerer.answer(first)).end?.kind == .degraded)
        }
        #expect(try await sessions.turns(of: "s").map(\.speaker) == ["user", "user"])
        // Templates of many models take turns in turn only.
        let model = FakeModel(saying: Self.said)
        let answerer = Answerer(source: FakeBases(Self.texts), model: model, sessions: sessions)
        _ = try await Heard(answerer.answer(first))
        #expect(model.calls.last?.map(\.role) == [.system, .user])
    }
}

final class FakeSessions: SessionStore {
    private let kept = Mutex<[String: [SessionTurn]]>([:])

    func turns(of session: String) async throws -> [SessionTurn] { kept.withLock { $0[session] ?? [] } }
    func append(_ turns: [SessionTurn], to session: String) async throws {
        kept.withLock { $0[session, default: []] += turns }
    }
    func remove(_ session: String) async throws { kept.withLock { $0[session] = nil } }
    func prune() async throws -> Int { 0 }
}
