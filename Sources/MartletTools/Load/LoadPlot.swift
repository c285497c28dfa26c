extension LoadReport {
    /// Throughput, failures, time to the first byte and requests under way, second by second.
    package func plot(title: String) -> Plot {
        let points = wholeSeconds
        let width = Double(series.width)
        func line(_ name: String, _ color: String, _ value: (LoadSeries.Point) -> Double) -> Plot.Line {
            Plot.Line(name, color, points.map { Plot.Point(Double($0.second), value($0)) })
        }
        return Plot(
            title: title,
            [
                Plot.Panel(
                    "throughput", unit: "answers a second",
                    [line("completed", Plot.blue) { Double($0.slot.completed) / width }]),
                Plot.Panel(
                    "ended early", unit: "requests a second",
                    [
                        line("failed", Plot.orange) { Double($0.slot.failed) / width },
                        line("left", Plot.grey) { Double($0.slot.left) / width },
                    ]),
                Plot.Panel(
                    "first byte", unit: "milliseconds",
                    [
                        line("p50", Plot.blue) { Self.milliseconds($0, 0.5) },
                        line("p99", Plot.orange) { Self.milliseconds($0, 0.99) },
                    ]),
                Plot.Panel("under way", unit: "requests", [line("in flight", Plot.blue) { Double($0.inFlight) }]),
            ])
    }

    /// Without the last slot where the run ended within it: a rate of a part of a second misleads.
    var wholeSeconds: [LoadSeries.Point] {
        let points = series.points
        let whole = points.filter { Double($0.second + series.width) <= seconds }
        return whole.isEmpty ? points : whole
    }

    private static func milliseconds(_ point: LoadSeries.Point, _ fraction: Double) -> Double {
        Double(point.slot.first?.quantile(fraction) ?? 0) / 1e6
    }
}
