import MartletBase
import Testing

@testable import MartletLogic

/// Who looks for tasks on queues, and for whom.
@Suite struct SearchLineTests {
    private let begin = Instant(nanoseconds: 1_000_000_000)

    private func entered(_ asked: [(id: String, queue: String?)], _ line: inout SearchLine) throws -> [Int] {
        try asked.map { id, queue in
            let number = line.enter(id, queue: queue)
            return try #require(number)
        }
    }

    @Test func allWhoAskForTheSamePlaceAreServedByOneSearch() throws {
        var line = SearchLine(limit: 10)
        let numbers = try entered([("a", nil), ("b", "q"), ("c", nil), ("a", nil)], &line)
        #expect(line.turn(of: numbers[1], now: begin) == .wait(until: .never), "it is not the first")
        #expect(line.turn(of: numbers[0], now: begin) == .search(.init(queue: nil, ids: ["a", "c"])))
        #expect(line.next == nil)
        #expect(line.turn(of: numbers[1], now: begin) == .wait(until: .never), "one search at a time")
        let told = line.ended(now: begin)
        #expect(told.map(\.number) == [numbers[0], numbers[2], numbers[3]] && told.map(\.id) == ["a", "c", "a"])
        #expect(line.next == numbers[1])
        #expect(line.turn(of: numbers[1], now: begin) == .search(.init(queue: "q", ids: ["b"])))
    }

    @Test func whoAsksDuringASearchWaitsForTheNextOne() throws {
        var line = SearchLine(limit: 10)
        let first = try entered([("a", nil)], &line)[0]
        _ = line.turn(of: first, now: begin)
        let second = try entered([("a", nil)], &line)[0]
        #expect(line.ended(now: begin).map(\.number) == [first], "what was read may be older than the question")
        #expect(line.turn(of: second, now: begin) == .search(.init(queue: nil, ids: ["a"])))
    }

    @Test func aSearchIsFollowedByARestThatIsLongerThanItUpToABound() throws {
        var line = SearchLine(limit: 10)
        let numbers = try entered([("a", "p"), ("b", "q"), ("c", "r")], &line)
        _ = line.turn(of: numbers[0], now: begin)
        let end = begin + .milliseconds(10)
        _ = line.ended(now: end)
        #expect(line.turn(of: numbers[1], now: end) == .wait(until: end + .milliseconds(30)))
        let later = end + .milliseconds(30)
        #expect(line.turn(of: numbers[1], now: later) == .search(.init(queue: "q", ids: ["b"])))
        let late = later + .seconds(60)
        _ = line.ended(now: late)
        #expect(line.turn(of: numbers[2], now: late) == .wait(until: late + .seconds(1)))
    }

    @Test func whenTheSearcherLeavesTheOthersAreSearchedForFirst() throws {
        var line = SearchLine(limit: 10)
        let numbers = try entered([("a", nil), ("b", nil)], &line)
        _ = line.turn(of: numbers[0], now: begin)
        let third = try entered([("c", "q")], &line)[0]
        line.leave(numbers[0])
        #expect(line.next == numbers[1])
        #expect(line.turn(of: numbers[1], now: begin) == .search(.init(queue: nil, ids: ["b"])))
        line.leave(third)
        #expect(line.ended(now: begin).map(\.number) == [numbers[1]])
        #expect(line.next == nil)
    }

    @Test func whoLeavesDuringASearchIsNotTold() throws {
        var line = SearchLine(limit: 10)
        let numbers = try entered([("a", nil), ("b", nil)], &line)
        _ = line.turn(of: numbers[0], now: begin)
        line.leave(numbers[1])
        #expect(line.ended(now: begin).map(\.number) == [numbers[0]])
    }

    @Test func noMoreStandInLineThanMay() throws {
        var line = SearchLine(limit: 2)
        let numbers = try entered([("a", nil), ("b", nil)], &line)
        #expect(line.enter("c", queue: nil) == nil)
        line.leave(numbers[0])
        #expect(line.enter("c", queue: nil) != nil)
    }
}
