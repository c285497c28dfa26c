import MartletBase
import MartletKnowledge
import MartletLogic
import Synchronization
import Testing

@Suite("Answers that are shared and given again")
struct SharedAnswerTests {
    private static let texts = ["年假：员工入职满一年后享受带薪年假5天。", "病假工资按基本工资的80%发放。", "婚假3天。"]
    private static let said = "员工入职满一年后享受带薪年假5天[1]。"

    private func cache() -> MemoryAnswerCache { MemoryAnswerCache(now: { Instant(nanoseconds: 1) }) }
    private func question(_ text: String = "员工年假有几天？") -> Question { Question(text, bases: ["a"]) }

    @Test("An answer that was given is given again, without thoughts, search, vector or call")
    func replay() async throws {
        let (bases, model) = (FakeBases(Self.texts), FakeModel(saying: "<think>t</think>" + Self.said))
        let answerer = Answerer(source: bases, model: model, cache: cache())
        let first = try await Heard(answerer.answer(question()))
        let again = try await Heard(answerer.answer(question("员工年假有几天")))
        #expect(again.end == AnswerEnd(kind: .cached, promptTokens: 10, answerTokens: 5))
        #expect((again.text, again.sources, again.citations) == (first.text, first.sources, first.citations))
        #expect(again.reasoning.isEmpty && again.order == ["sources", "text", "citations", "end"])
        #expect(bases.state.withLock { [$0.searches, $0.vectors] } == [1, 1] && model.calls.count == 1)
        var fresh = question()
        fresh.isFresh = true
        #expect(try await Heard(answerer.answer(fresh)).end?.kind == .answered)
        #expect(try await Heard(answerer.answer(question(), permissions: "guest")).end?.kind == .answered)
    }

    @Test("A question that means the same costs a search, and no call")
    func near() async throws {
        let (bases, model) = (FakeBases(Self.texts), FakeModel(saying: Self.said))
        let answerer = Answerer(source: bases, model: model, cache: cache())
        _ = try await Heard(answerer.answer(question()))
        // The fake's vectors are all the same.
        #expect(try await Heard(answerer.answer(question("员工年假有多少天呢"))).end?.kind == .cached)
        #expect(try await Heard(answerer.answer(question("员工婚假有几天"))).end?.kind == .answered)
        #expect(model.calls.count == 2)
    }

    @Test("A change that an answer rests on ends it before whoever made the change hears of it")
    func change() async throws {
        let (bases, model, cache) = (FakeBases(Self.texts), FakeModel(saying: Self.said), cache())
        let answerer = Answerer(source: bases, model: model, cache: cache)
        _ = try await Heard(answerer.answer(question()))
        func change(_ gone: Set<ChunkID>, isSame: Bool?) async throws -> AnswerEnd.Kind? {
            let epoch = bases.state.withLock { state in
                state.epoch += 1
                return state.epoch
            }
            let change = BaseChange(base: "a", previous: epoch - 1, epoch: epoch, gone: gone, hasNew: isSame != nil)
            await cache.change(change) { open in isSame == true ? Set(open.map(\.id)) : [] }
            return try await Heard(answerer.answer(question())).end?.kind
        }
        #expect(try await change([], isSame: nil) == .cached)
        #expect(try await change([ChunkID(9)], isSame: true) == .cached)
        #expect(try await change([], isSame: false) == .answered)
        #expect(try await change([ChunkID(0)], isSame: nil) == .answered)
    }

    @Test("An answer that was under way when its base changed is not kept")
    func underWay() async throws {
        let bases = FakeBases(Self.texts)
        let model = FakeModel { _ in [.piece(.text(Self.said)), .wait] }
        let cache = cache()
        let answerer = Answerer(source: bases, model: model, cache: cache)
        async let first = Heard(answerer.answer(question()))
        await model.gate.arrivals(1)
        bases.state.withLock { $0.epoch = 2 }
        await cache.change(BaseChange(base: "a", previous: 1, epoch: 2, hasNew: false)) { _ in [] }
        model.gate.open()
        #expect(try await first.end?.kind == .answered)
        #expect(cache.figures.kept == 0)
    }

    @Test("Many who ask the same at once cost one call and hear all of it; the first one's leaving ends nobody else's")
    func flight() async throws {
        let bases = FakeBases(Self.texts)
        let model = FakeModel { _ in [.piece(.text("员工入职满一年后")), .wait, .piece(.text("享受带薪年假5天[1]。"))] }
        let answerer = Answerer(source: bases, model: model, cache: cache())
        let first = Task { try? await Heard(answerer.answer(question())) }
        await model.gate.arrivals(1)
        try await withThrowingTaskGroup(of: Heard.self) { group in
            for _ in 0..<50 { group.addTask { try await Heard(answerer.answer(question())) } }
            first.cancel()
            _ = await first.value
            model.gate.open()
            for try await heard in group {
                #expect(heard.text == Self.said)
                #expect(heard.order == ["sources", "text", "citations", "end"])
            }
        }
        #expect(model.calls.count <= 2)
        #expect(answerer.underWay == 0)
    }

    @Test("An answer ends with the last of those who hear it")
    func lastReader() async throws {
        let model = FakeModel { _ in [.piece(.text("a")), .wait] }
        let answerer = Answerer(source: FakeBases(Self.texts), model: model, cache: cache())
        let heard = Gate(isOpen: true)
        let readers = (0..<3).map { _ in
            Task { for try await _ in answerer.answer(question()) { try await heard.wait() } }
        }
        // Each of them has heard the sources and the text.
        await heard.arrivals(6)
        for reader in readers { reader.cancel() }
        await model.gate.departures(1)
        #expect(model.calls.count == 1)
        #expect(answerer.underWay == 0)
    }

    @Test("Who asks after a change does not hear what was found before it")
    func afterChange() async throws {
        let bases = FakeBases(Self.texts)
        let model = FakeModel { _ in [.piece(.text(Self.said)), .wait] }
        let answerer = Answerer(source: bases, model: model, cache: cache())
        async let old = Heard(answerer.answer(question()))
        await model.gate.arrivals(1)
        bases.state.withLock { $0.epoch = 2 }
        async let new = Heard(answerer.answer(question()))
        await model.gate.arrivals(2)
        model.gate.open()
        _ = try await (old, new)
        #expect(model.calls.count == 2)
    }
}
