import Testing

@testable import MartletLogic

@Suite("The way of an answer")
struct AnswerMachineTests {
    private typealias Event = AnswerMachine.Event
    private static let found = Event.found(passages: 3, isAnswerable: true, hasModel: true)
    private static let text = Event.piece(.text("a"))
    private static let thought = Event.piece(.reasoning("r"))

    private func actions(_ events: [Event]) -> [[AnswerMachine.Action]] {
        var machine = AnswerMachine()
        return events.map { machine.handle($0) }
    }

    @Test("Asked, told, checked, ended")
    func answered() {
        let events: [Event] = [Self.found, Self.thought, Self.text, .finished("length"), .checked(saysNothing: false)]
        #expect(actions(events) == [
            [.ask], [.tell(.reasoning("r"))], [.tell(.text("a"))], [.check], [.end(.answered("length"))],
        ])
        #expect(actions(events.dropLast() + [.checked(saysNothing: true)]).last == [.end(.refused)])
    }

    @Test("Nothing found, or nothing that answers, is refused without a model's call")
    func refused() {
        #expect(actions([.found(passages: 0, isAnswerable: true, hasModel: true)]) == [[.refuse, .end(.refused)]])
        #expect(actions([.found(passages: 3, isAnswerable: false, hasModel: true)]) == [[.refuse, .end(.refused)]])
    }

    @Test("Without a model, or one that fails, is slow or says nothing, the passages are the answer")
    func degraded() {
        func shown(_ trouble: ModelTrouble?) -> [AnswerMachine.Action] {
            [.showPassages(afterText: false), .end(.degraded("stop", trouble))]
        }
        #expect(actions([.found(passages: 1, isAnswerable: true, hasModel: false)]) == [shown(nil)])
        #expect(actions([Self.found, .failed(.busy)])[1] == shown(.busy))
        #expect(actions([Self.found, .slow])[1] == [.stopModel] + shown(.slow))
        #expect(actions([Self.found, .finished("stop")])[1] == shown(.down))
        #expect(actions([Self.found, Self.thought, .finished("stop")])[2] == shown(.down))
        #expect(actions([Self.found, Self.thought, .failed(.absent)])[2] == shown(.absent))
    }

    @Test("What was said before a failure stands, and the passages follow")
    func brokenOff() {
        let shown: [AnswerMachine.Action] = [.showPassages(afterText: true), .end(.degraded("error", .down))]
        #expect(actions([Self.found, Self.text, .failed(.down)])[2] == shown)
    }

    @Test("A model that has begun, be it to think, is not slow any more")
    func begun() {
        #expect(actions([Self.found, Self.thought, .slow])[2] == [])
        #expect(actions([Self.found, Self.text, .slow])[2] == [])
    }

    @Test("Whoever asked may go in each state: what runs is stopped, and nothing is told any more")
    func gone() {
        let ways: [([Event], [AnswerMachine.Action])] = [
            ([], []), ([Self.found], [.stopModel]), ([Self.found, Self.thought], [.stopModel]),
            ([Self.found, Self.text], [.stopModel]), ([Self.found, Self.text, .finished("stop")], []),
        ]
        let all: [Event] = [
            Self.found, Self.text, Self.thought, .finished("stop"), .failed(.down), .slow,
            .checked(saysNothing: false), .gone,
        ]
        for (events, expected) in ways {
            var machine = AnswerMachine()
            for event in events { _ = machine.handle(event) }
            #expect(machine.handle(.gone) == expected)
            #expect(machine.state == .ended)
            for event in all { #expect(machine.handle(event) == []) }
        }
    }

    @Test("However events come, there is one end, and nothing after it")
    func oneEnd() {
        let all: [Event] = [
            Self.found, Self.text, Self.thought, .finished("stop"), .failed(.down), .slow,
            .checked(saysNothing: false), .gone,
        ]
        var ends = Set<Int>()
        func walk(_ machine: AnswerMachine, _ ended: Int, _ depth: Int) {
            ends.insert(ended)
            guard depth > 0 else { return }
            for event in all {
                var next = machine
                let actions = next.handle(event)
                let more = actions.count { if case .end = $0 { true } else { false } }
                #expect(machine.state != .ended || actions.isEmpty)
                walk(next, ended + more, depth - 1)
            }
        }
        walk(AnswerMachine(), 0, 4)
        #expect(ends == [0, 1])
    }

    @Test("The passages in place of an answer are cited where they stand in it")
    func extract() {
        let passages = Handbook.passages.map(\.passage)
        let opening = "ä🙂"
        let extract = Extract(passages, count: 2, length: 50, at: opening.unicodeScalars.count)
        let scalars = Array((opening + extract.text).unicodeScalars)
        let shown = extract.citations.map { String(String.UnicodeScalarView(scalars[$0.range])) }
        let expected = passages.prefix(2).map { String($0.chunk.text.unicodeScalars.prefix(50)) }
        #expect(shown == expected)
        #expect(extract.citations.map { $0.citations.map(\.source) } == [[1], [2]])
        #expect(extract.text.contains("[2] 1.md\n"))
    }
}
