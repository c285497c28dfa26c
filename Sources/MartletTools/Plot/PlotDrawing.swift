/// Drawing a ``Plot``.
extension Plot {
    private static let width = 900.0
    private static let left = 70.0
    private static let right = 20.0
    private static let top = 50.0
    private static let panelHeight = 150.0
    private static let gap = 60.0

    package var svg: String {
        let height = Self.top + Double(panels.count) * (Self.panelHeight + Self.gap)
        let seconds = PlotScale(upTo: panels.flatMap(\.lines).flatMap(\.points).map(\.second).max() ?? 1, ticks: 10)
        var text = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(Self.width)) \(number(height))" \
            font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="white"/>
            <text x="\(number(Self.left))" y="22" font-size="15">\(escaped(title))</text>

            """
        for (index, panel) in panels.enumerated() {
            let y = Self.top + Double(index) * (Self.panelHeight + Self.gap)
            text += drawing(panel, at: y, seconds)
        }
        return text + "</svg>\n"
    }

    private func drawing(_ panel: Panel, at y: Double, _ seconds: PlotScale) -> String {
        let values = PlotScale(upTo: panel.lines.flatMap(\.points).map(\.value).max() ?? 1, ticks: 4)
        let bottom = y + Self.panelHeight
        let end = Self.width - Self.right
        func place(_ second: Double) -> Double { Self.left + seconds.part(second) * (end - Self.left) }
        func level(_ value: Double) -> Double { bottom - values.part(value) * Self.panelHeight }
        var text = "<text x=\"\(number(Self.left))\" y=\"\(number(y - 8))\">"
            + "\(escaped(panel.title)), \(escaped(panel.unit))</text>\n"
        for span in spans {
            let from = place(span.from)
            text += "<rect x=\"\(number(from))\" y=\"\(number(y))\" width=\"\(number(place(span.to) - from))\" "
                + "height=\"\(number(Self.panelHeight))\" fill=\"#eeeeee\"/>\n"
                + label(span.name, x: from + 4, y: y + 14, color: Self.grey)
        }
        for tick in values.ticks {
            text += rule(Self.left, level(tick), end, level(tick))
            text += label(number(tick), x: Self.left - 6, y: level(tick) + 4, anchor: "end")
        }
        for tick in seconds.ticks {
            text += rule(place(tick), bottom, place(tick), bottom + 5)
            text += label(number(tick), x: place(tick), y: bottom + 18, anchor: "middle")
        }
        text += label("seconds", x: end, y: bottom + 33, anchor: "end")
        for line in panel.lines {
            let points = line.points.map { "\(number(place($0.second))),\(number(level($0.value)))" }
            text += "<polyline fill=\"none\" stroke=\"\(line.color)\" stroke-width=\"1.5\" "
                + "points=\"\(points.joined(separator: " "))\"/>\n"
        }
        return text + legend(panel, y: y - 8, end: end)
    }

    /// The names of the lines, from the right.
    private func legend(_ panel: Panel, y: Double, end: Double) -> String {
        var x = end
        var text = ""
        for line in panel.lines.reversed() {
            text += label(line.name, x: x, y: y, anchor: "end", color: line.color)
            x -= Double(line.name.count) * 6.5 + 18
        }
        return text
    }

    private func rule(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" "
            + "stroke=\"#bbbbbb\" stroke-width=\"0.7\"/>\n"
    }

    private func label(
        _ text: String, x: Double, y: Double, anchor: String = "start", color: String = "#333333"
    ) -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" fill=\"\(color)\">"
            + "\(escaped(text))</text>\n"
    }

    /// As short as a person would write it.
    private func number(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }

    private func escaped(_ text: String) -> String {
        let names: [Character: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;"]
        return text.map { names[$0] ?? String($0) }.joined()
    }
}

/// An axis from 0 to a round number.
struct PlotScale: Equatable {
    let ticks: [Double]

    /// - Parameter ticks: about how many.
    init(upTo value: Double, ticks count: Int) {
        let value = value.isFinite && value > 0 ? value : 1
        let units = [1e-3, 1e-2, 0.1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8]
        let steps = units.flatMap { unit in [1, 2, 5].map { $0 * unit } }
        let step = steps.first { $0 * Double(count) >= value } ?? value / Double(count)
        ticks = (0...max(1, Int((value / step).rounded(.up)))).map { Double($0) * step }
    }

    /// 0 to 1.
    func part(_ value: Double) -> Double {
        guard let last = ticks.last, value.isFinite else { return 0 }
        return min(max(value / last, 0), 1)
    }
}
