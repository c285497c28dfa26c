/// Writes Prometheus' text format, version 0.0.4, one family after the other.
struct ExpositionWriter {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""
    private var family: Series?

    /// Starts a family. Its samples follow, before the next one starts.
    mutating func begin(_ series: Series) {
        family = series
        text += "# HELP \(series.name) \(Self.escaped(series.help, quotes: false))\n"
        text += "# TYPE \(series.name) \(series.kind.rawValue)\n"
    }

    /// One value, with the values of the family's labels in the catalogue's order. Empty ones are left out, which means
    /// the same to Prometheus.
    mutating func sample(_ values: [String] = [], _ value: some Numeric & CustomStringConvertible) {
        guard let family else { return }
        line(family.name, pairs(family, values), value.description)
    }

    mutating func histogram<Scale>(_ values: [String], _ histogram: Histogram<Scale>) {
        guard let family else { return }
        let labels = pairs(family, values)
        let count = histogram.count.description
        for (bound, reached) in zip(Scale.bounds, histogram.cumulative) {
            let end = Double(bound) / Scale.perUnit
            line(family.name + "_bucket", labels + ["le=\"\(Self.plain(end))\""], reached.description)
        }
        line(family.name + "_bucket", labels + ["le=\"+Inf\""], count)
        line(family.name + "_sum", labels, Self.plain(Double(histogram.sum) / Scale.perUnit))
        line(family.name + "_count", labels, count)
    }

    /// A histogram that somebody else counted.
    ///
    /// - Parameter buckets: For each bound, and for what is beyond the last one, how many there are; not cumulative.
    mutating func histogram(bounds: [Double], buckets: [UInt64], sum: Double) {
        guard let family else { return }
        var reached: UInt64 = 0
        for (bound, count) in zip(bounds, buckets) {
            reached += count
            line(family.name + "_bucket", ["le=\"\(Self.plain(bound))\""], reached.description)
        }
        let count = buckets.reduce(0, +).description
        line(family.name + "_bucket", ["le=\"+Inf\""], count)
        line(family.name + "_sum", [], Self.plain(sum))
        line(family.name + "_count", [], count)
    }

    private mutating func line(_ name: String, _ labels: [String], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    private func pairs(_ series: Series, _ values: [String]) -> [String] {
        zip(series.labels, values).compactMap { label, value in
            value.isEmpty ? nil : "\(label.rawValue)=\"\(Self.escaped(value, quotes: true))\""
        }
    }

    /// Whole numbers without a fraction, as every Prometheus client writes bounds.
    private static func plain(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? Int64(value).description : value.description
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
