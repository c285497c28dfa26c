import MartletBase
import Testing

@testable import MartletLogic

@Suite("Answers that are given again")
struct AnswerCacheTests {
    private let now = Instant(nanoseconds: 1_000_000_000)
    private let scope = AnswerScope(bases: ["a"], model: "m", limit: 2)

    private func passage(
        _ id: Int64, _ score: Double, base: String = "a", name: String? = nil, text: String = "年假五天"
    ) -> Passage {
        let document = DocumentVersion(base: base, name: name ?? "\(id).md", version: 1)
        return Passage(id: ChunkID(id), document: document, chunk: Chunk(text: text, range: 0..<4), score: score)
    }

    private func answer(_ passages: [Passage], _ text: String = "五天[1]。") -> CachedAnswer {
        CachedAnswer(text: text, sources: passages, citations: [CheckedSentence(range: 0..<6)])
    }

    private func vector(_ x: Float) -> [Float] { [x, (1 - x * x).squareRoot()] }

    /// With one answer, of the first epoch, resting on chunks 1 and 2.
    private func filled(_ limits: AnswerCacheMachine.Limits = .init()) -> AnswerCacheMachine {
        var machine = AnswerCacheMachine(limits)
        let kept = machine.keep(
            answer([passage(1, 0.9), passage(2, 0.5)]), for: QuestionShape("年假有几天？"), vector(1), scope,
            epochs: ["a": 1], now: now)
        #expect(kept)
        return machine
    }

    private func isThere(_ machine: AnswerCacheMachine, epoch: Int, _ question: String = "年假有几天") -> Bool {
        var machine = machine
        return machine.answer(to: QuestionShape(question), scope, epochs: ["a": epoch], now: now) != nil
    }

    @Test("The same question hits, however its width, capitals, blanks and end are written")
    func exact() {
        var machine = filled()
        for question in ["年假有几天？", "年假有几天", " 年假有几天?? ", "年假有几天。"] { #expect(isThere(machine, epoch: 1, question)) }
        #expect(!isThere(machine, epoch: 1, "病假有几天？"))
        var others = [scope, scope, scope, scope, scope]
        others[0].permissions = "guest"
        others[1].model = "n"
        others[2].promptVersion += 1
        others[3].filter = .name(like: "*.md")
        others[4].history = [PromptMessage(.user, "x")]
        others.append(AnswerScope(bases: ["a", "b"], model: "m", limit: 2))
        others.append(AnswerScope(bases: ["a"], model: "m", limit: 3))
        for other in others {
            let found = machine.answer(to: QuestionShape("年假有几天"), other, epochs: ["a": 1, "b": 1], now: now)
            #expect(found == nil)
        }
    }

    @Test("A question that means the same hits where it rests on the same passages and asks for the same things")
    func near() {
        var machine = filled()
        let passages = [passage(2, 0.4), passage(1, 0.8)]
        func hit(_ question: String, _ x: Float, _ passages: [Passage]) -> Bool {
            machine.answer(near: QuestionShape(question), vector(x), passages, scope, epochs: ["a": 1], now: now) != nil
        }
        #expect(hit("年假有多少天？", 0.99, passages))
        #expect(!hit("年假有多少天？", 0.9, passages))
        #expect(!hit("年假有多少天？", 0.99, [passage(1, 0.8), passage(3, 0.4)]))
        #expect(!hit("2023年的年假有多少天？", 0.99, passages))
        #expect(!hit("年假不能休多少天？", 0.99, passages))
        // 五天 stands in the sources and in one question only.
        #expect(!hit("年假是五天吗？", 0.99, passages))
        #expect(!hit("How many days of 年假 leave are there for us?", 0.99, passages))
    }

    @Test("An answer goes with a passage that is gone, or whose document has another version")
    func touched() {
        for change in [
            BaseChange(base: "a", previous: 1, epoch: 2, gone: [ChunkID(2)], hasNew: false),
            BaseChange(base: "a", previous: 1, epoch: 2, documents: ["1.md"], hasNew: false),
        ] {
            var machine = filled()
            let open = machine.begin(change)
            #expect(open == [])
            #expect(machine.count == 0)
        }
        var machine = filled()
        let other = BaseChange(base: "a", previous: 1, epoch: 2, documents: ["7.md"], hasNew: false)
        let open = machine.begin(other)
        #expect(open == [])
        #expect(isThere(machine, epoch: 2))
    }

    @Test("Chunks that go elsewhere make words rarer: an answer stays where a search still finds its passages")
    func goneElsewhere() {
        for stays in [true, false] {
            var machine = filled()
            let change = BaseChange(base: "a", previous: 1, epoch: 2, gone: [ChunkID(7)], hasNew: false)
            let open = machine.begin(change)
            #expect(open.map(\.found) == [[ChunkID(1), ChunkID(2)]])
            machine.finish(change, unchanged: stays ? Set(open.map(\.id)) : [])
            #expect(isThere(machine, epoch: 2) == stays)
        }
    }

    @Test("Of bases that are gone nothing is remembered, and what was on its way for one is given to nobody")
    func removedBase() {
        var machine = AnswerCacheMachine()
        for number in 0..<1000 {
            machine.fence("base \(number)", epoch: number + 1)
            machine.remove(base: "base \(number)")
        }
        #expect(machine.knownBases == 0)
        machine.fence("a", epoch: 5)
        machine.remove(base: "a")
        _ = machine.keep(answer([passage(1, 1)]), for: QuestionShape("q"), nil, scope, epochs: ["a": 5], now: now)
        #expect(!isThere(machine, epoch: 6, "q"))
    }

    @Test("A new chunk takes an answer with it where a search would find other passages")
    func newChunk() {
        for stays in [true, false] {
            var machine = filled()
            let change = BaseChange(base: "a", previous: 1, epoch: 2, hasNew: true)
            let open = machine.begin(change)
            #expect(open.map(\.text) == ["年假有几天"] && open.map(\.bases) == [["a"]])
            // While it is compared, it is not given.
            #expect(!isThere(machine, epoch: 1) && !isThere(machine, epoch: 2))
            machine.finish(change, unchanged: stays ? [open[0].id] : [])
            #expect(isThere(machine, epoch: 2) == stays)
        }
        var machine = filled()
        let change = BaseChange(base: "a", previous: 1, epoch: 2, hasNew: true)
        _ = machine.begin(change)
        machine.finish(change, unchanged: [])
        #expect(machine.count == 0)
    }

    @Test("A question is searched for again as it was asked")
    func fewer() {
        var machine = AnswerCacheMachine()
        var scope = scope
        scope.minimumScore = 0.2
        _ = machine.keep(answer([passage(1, 0.9)]), for: QuestionShape("q"), nil, scope, epochs: ["a": 1], now: now)
        let open = machine.begin(BaseChange(base: "a", previous: 1, epoch: 2, hasNew: true))
        #expect(open.map(\.minimumScore) == [0.2] && open.map(\.limit) == [scope.limit])
        #expect(open.map(\.found) == [[ChunkID(1)]])
    }

    @Test("What was found before a change is not kept after it, however late it comes")
    func fence() {
        var machine = AnswerCacheMachine()
        machine.fence("a", epoch: 2)
        let old = machine.keep(answer([passage(1, 1)]), for: QuestionShape("q"), nil, scope, epochs: ["a": 1], now: now)
        #expect(!old)
        let new = machine.keep(answer([passage(1, 1)]), for: QuestionShape("q"), nil, scope, epochs: ["a": 2], now: now)
        #expect(new)
    }

    @Test("What is known of a change later than its readers takes nothing back")
    func lateNews() {
        var machine = AnswerCacheMachine()
        _ = machine.keep(answer([passage(1, 1)]), for: QuestionShape("q"), nil, scope, epochs: ["a": 5], now: now)
        let open = machine.begin(BaseChange(base: "a", previous: 4, epoch: 5, documents: ["1.md"], hasNew: true))
        #expect(open == [])
        #expect(isThere(machine, epoch: 5, "q"))
        // A reader that sees more than the cache has heard of gets nothing.
        #expect(!isThere(machine, epoch: 6, "q"))
    }

    @Test("A change that was missed carries nothing over")
    func missed() {
        var machine = filled()
        let open = machine.begin(BaseChange(base: "a", previous: 2, epoch: 3, hasNew: false))
        #expect(open == [])
        #expect(machine.count == 0)
    }

    @Test("An answer of two bases holds while both do")
    func twoBases() {
        var machine = AnswerCacheMachine()
        let both = AnswerScope(bases: ["b", "a"], model: "m", limit: 1)
        _ = machine.keep(answer([passage(1, 1)]), for: QuestionShape("q"), nil, both, epochs: ["a": 1, "b": 7],
            now: now)
        func hit(_ a: Int, _ b: Int) -> Bool {
            machine.answer(to: QuestionShape("q"), both, epochs: ["a": a, "b": b], now: now) != nil
        }
        #expect(hit(1, 7) && !hit(1, 8) && !hit(2, 7))
        let unknown = machine.answer(to: QuestionShape("q"), both, epochs: ["a": 1], now: now)
        #expect(unknown == nil)
        _ = machine.begin(BaseChange(base: "b", previous: 7, epoch: 8, hasNew: false))
        #expect(hit(1, 8))
        machine.remove(base: "b")
        #expect(machine.count == 0)
    }

    @Test("Only answers that came to their end and are borne out are kept")
    func worth() {
        let good = answer([passage(1, 1)])
        var bad = [good, good, good, good, good]
        bad[0].finishReason = "length"
        bad[1].text = ""
        bad[2].sources = []
        bad[3].citations = (0..<9).map { CheckedSentence(range: $0..<$0) }
        bad[3].citations[0].flaws = [.unknownDetail("5")]
        bad[4].citations = [CheckedSentence(range: 0..<1, flaws: [.unsupported]), CheckedSentence(range: 1..<2)]
        for answer in bad { #expect(!answer.isWorthKeeping) }
        #expect(good.isWorthKeeping)
    }

    @Test("Answers, bytes and time are bounded; what was used longest ago goes first, and books agree")
    func bounds() {
        var limits = AnswerCacheMachine.Limits()
        (limits.answers, limits.bytes, limits.age) = (3, 1 << 20, .seconds(10))
        var machine = AnswerCacheMachine(limits)
        func keep(_ question: String, _ text: String = "x", at time: Instant) -> Bool {
            machine.keep(
                answer([passage(1, 1)], text), for: QuestionShape(question), nil, scope, epochs: ["a": 1], now: time)
        }
        func hit(_ question: String, _ time: Instant) -> Bool {
            machine.answer(to: QuestionShape(question), scope, epochs: ["a": 1], now: time) != nil
        }
        for question in ["1", "2", "3"] { #expect(keep(question, at: now)) }
        #expect(hit("1", now))
        #expect(keep("4", at: now))
        #expect(hit("1", now) && !hit("2", now) && hit("3", now) && hit("4", now))
        #expect(!keep("large", String(repeating: "x", count: 2 << 20), at: now))
        let later = now + .seconds(11)
        #expect(!hit("1", later) && !hit("3", later) && !hit("4", later))
        #expect(machine.count == 0 && machine.bytes == 0)
        // A thousand others leave nothing behind.
        for number in 0..<1000 { _ = keep("q\(number)", at: now) }
        #expect(machine.count == 3)
        machine.remove(base: "a")
        #expect(machine.count == 0 && machine.bytes == 0)
    }
}
