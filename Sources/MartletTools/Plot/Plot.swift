/// Curves over seconds, one panel below the other, as an SVG picture that every browser shows.
package struct Plot: Sendable, Equatable {
    package struct Point: Sendable, Equatable {
        package var second: Double
        package var value: Double

        package init(_ second: Double, _ value: Double) {
            self.second = second
            self.value = value
        }
    }

    package struct Line: Sendable, Equatable {
        package var name: String
        package var color: String
        package var points: [Point]

        package init(_ name: String, _ color: String, _ points: [Point]) {
            self.name = name
            self.color = color
            self.points = points
        }
    }

    package struct Panel: Sendable, Equatable {
        package var title: String
        package var unit: String
        package var lines: [Line]

        package init(_ title: String, unit: String, _ lines: [Line]) {
            self.title = title
            self.unit = unit
            self.lines = lines
        }
    }

    /// A span of time that is shaded in every panel.
    package struct Span: Sendable, Equatable {
        package var name: String
        package var from: Double
        package var to: Double

        package init(_ name: String, from: Double, to: Double) {
            self.name = name
            self.from = from
            self.to = to
        }
    }

    package var title: String
    package var panels: [Panel]
    package var spans: [Span] = []

    package init(title: String, _ panels: [Panel]) {
        self.title = title
        self.panels = panels
    }

    // Colours that people who do not tell red from green can tell apart.
    package static let blue = "#0072b2"
    package static let orange = "#d55e00"
    package static let green = "#009e73"
    package static let grey = "#777777"
}
