import MartletLogic
import Testing

@testable import MartletWorkers

@Suite struct AppFiguresTests {
    @Test func theLastValueOfEachWorkerCountsWhileItLives() {
        let figures = AppFigures()
        let (first, second) = (WorkerNumber(10), WorkerNumber(11))
        figures.report("loss", 0.5, of: 0, by: first)
        figures.report("loss", 0.25, of: 1, by: second)
        figures.report("loss", 0.125, of: 0, by: first)
        #expect(figures.rows.map(\.value) == [0.125, 0.25])
        figures.forget(first)
        #expect(figures.rows == [.init(worker: 1, name: "loss", value: 0.25)])
    }

    @Test func ofOneThatTakesThePlaceOfAnotherTheyStayWhenThatOneEnds() {
        let figures = AppFigures()
        let (former, heir) = (WorkerNumber(10), WorkerNumber(12))
        figures.report("seen", 700, of: 0, by: former)
        figures.report("epoch", 3, of: 0, by: former)
        figures.report("seen", 1, of: 0, by: heir)
        figures.report("seen", 701, of: 0, by: former)
        #expect(figures.rows.map(\.value) == [3, 1])
        figures.forget(former)
        #expect(figures.rows == [.init(worker: 0, name: "seen", value: 1)])
    }

    @Test func namesAreBoundedInFormAndNumber() {
        let (figures, first) = (AppFigures(), WorkerNumber(10))
        let odd = ["", "two words", "line\nbreak", "quo\"te", "ä", String(repeating: "x", count: 101)]
        for name in odd { #expect(!figures.report(name, 1, of: 0, by: first), "\(name)") }
        #expect(!figures.report("loss", .nan, of: 0, by: first))
        for number in 0..<1000 { figures.report("figure.\(number)", 1, of: 0, by: first) }
        #expect(figures.rows.count == AppFigures.mostNames)
        #expect(figures.report("figure.0", 2, of: 7, by: WorkerNumber(17)), "a name that is known is welcome")
    }
}
