import Foundation
import Testing

@testable import MartletTools

@Suite struct LoadSeriesTests {
    private static let second: UInt64 = 1_000_000_000

    @Test func eventsFallIntoTheirSeconds() {
        var series = LoadSeries()
        series.began(at: 0)
        series.began(at: Self.second / 2)
        series.first(5_000_000, at: Self.second)
        series.ended(.completed, at: Self.second)
        series.ended(.failed(.timeout), at: 3 * Self.second)
        let points = series.points
        #expect(points.map(\.second) == [0, 1, 2, 3])
        #expect(points.map(\.slot.began) == [2, 0, 0, 0])
        #expect(points.map(\.slot.completed) == [0, 1, 0, 0])
        #expect(points.map(\.slot.failed) == [0, 0, 0, 1])
        #expect(points.map(\.inFlight) == [2, 1, 1, 0])
        #expect(points[1].slot.first?.count == 1)
    }

    @Test func longRunsAreKeptInWiderSlotsAndLoseNothing() {
        var series = LoadSeries()
        for second in 0..<2_000 { series.began(at: UInt64(second) * Self.second) }
        #expect(series.width == 4)
        #expect(series.points.count == 500)
        #expect(series.points.allSatisfy { $0.slot.began == 4 })
    }

    @Test func loopsOfDifferentWidthAddUp() {
        var long = LoadSeries()
        for second in 0..<700 { long.began(at: UInt64(second) * Self.second) }
        var short = LoadSeries()
        short.began(at: 3 * Self.second)
        short.first(1000, at: 3 * Self.second)
        for (one, other) in [(long, short), (short, long)] {
            var sum = one
            sum.merge(other)
            #expect(sum.width == 2)
            #expect(sum.points.map(\.slot.began).reduce(0, +) == 701)
            #expect(sum.points[1].slot.began == 3)
            #expect(sum.points[1].slot.first?.count == 1)
        }
    }
}

@Suite struct PlotTests {
    @Test func axesEndAtRoundNumbers() {
        #expect(PlotScale(upTo: 97, ticks: 4).ticks == [0, 50, 100])
        #expect(PlotScale(upTo: 4, ticks: 4).ticks == [0, 1, 2, 3, 4])
        #expect(PlotScale(upTo: 0, ticks: 4).ticks.last == 1)
        #expect(PlotScale(upTo: .infinity, ticks: 4).ticks.last == 1)
    }

    @Test func pictureIsWellFormedAndSaysItsUnits() throws {
        var plot = Plot(
            title: "a < b & \"c\"",
            [Plot.Panel("first byte", unit: "milliseconds", [Plot.Line("p99", Plot.blue, [.init(0, 1), .init(1, .nan)])])])
        plot.spans = [Plot.Span("black hole", from: 0.2, to: 0.5)]
        let parser = XMLChecker(plot.svg)
        #expect(parser.isWellFormed)
        #expect(parser.texts.contains("first byte, milliseconds"))
        #expect(parser.texts.contains("seconds") && parser.texts.contains("p99") && parser.texts.contains("black hole"))
        #expect(parser.texts.contains("a < b & \"c\""))
        #expect(!plot.svg.contains("nan"))
    }
}

/// Just enough of XML: tags that open and close, and the texts between.
private struct XMLChecker {
    private(set) var isWellFormed = true
    private(set) var texts: Set<String> = []

    init(_ text: String) {
        var open: [Substring] = []
        for piece in text.split(separator: "<").dropFirst(0) {
            guard let end = piece.firstIndex(of: ">") else {
                isWellFormed = false
                return
            }
            let tag = piece[..<end]
            let name = tag.split(whereSeparator: { " /\n".contains($0) }).first ?? ""
            if tag.hasPrefix("/") {
                if open.popLast() != name { isWellFormed = false }
            } else if !tag.hasSuffix("/") {
                open.append(name)
            }
            let quotes = tag.filter { $0 == "\"" }.count
            if !quotes.isMultiple(of: 2) { isWellFormed = false }
            let between = piece[piece.index(after: end)...].trimmingCharacters(in: .whitespacesAndNewlines)
            texts.insert(
                between.replacingOccurrences(of: "&lt;", with: "<").replacingOccurrences(of: "&gt;", with: ">")
                    .replacingOccurrences(of: "&quot;", with: "\"").replacingOccurrences(of: "&amp;", with: "&"))
        }
        if !open.isEmpty { isWellFormed = false }
    }
}
