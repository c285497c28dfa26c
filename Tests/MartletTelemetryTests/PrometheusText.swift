/// A strict reader of Prometheus' text format 0.0.4, written against its description, not against our writer.
struct PrometheusText {
    struct Sample: Hashable {
        var name: String
        var labels: [String: String]
    }

    struct Problem: Error {
        var line: Int
        var what: String
    }

    private(set) var types: [String: String] = [:]
    private(set) var helps: [String: String] = [:]
    private(set) var samples: [Sample: Double] = [:]

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Problem(line: 0, what: "the last line has no end") }
        var finished: Set<String> = []
        var current = ""
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().enumerated() {
            let number = index + 1
            if line.hasPrefix("# HELP ") || line.hasPrefix("# TYPE ") {
                let words = line.dropFirst(7).split(separator: " ", maxSplits: 1).map(String.init)
                guard words.count == 2 else { throw Problem(line: number, what: "a comment without its value") }
                if words[0] != current {
                    finished.insert(current)
                    current = words[0]
                }
                guard !finished.contains(current) else { throw Problem(line: number, what: "\(current) in two groups") }
                let isHelp = line.hasPrefix("# HELP ")
                guard (isHelp ? helps : types)[current] == nil else {
                    throw Problem(line: number, what: "a second comment for \(current)")
                }
                if isHelp { helps[current] = words[1] } else { types[current] = words[1] }
            } else {
                let (sample, value) = try Self.sample(line, number)
                guard belongs(sample.name, to: current) else {
                    throw Problem(line: number, what: "\(sample.name) among \(current)")
                }
                guard samples.updateValue(value, forKey: sample) == nil else {
                    throw Problem(line: number, what: "\(sample) twice")
                }
            }
        }
        try checkHistograms()
    }

    private func belongs(_ name: String, to family: String) -> Bool {
        guard types[family] == "histogram" else { return name == family }
        return ["_bucket", "_sum", "_count"].contains { name == family + $0 }
    }

    private static func sample(_ line: Substring, _ number: Int) throws -> (Sample, Double) {
        var rest = line[...]
        let name = String(rest.prefix { $0 == "_" || $0 == ":" || ($0.isASCII && ($0.isLetter || $0.isNumber)) })
        guard let first = name.first, !first.isNumber else { throw Problem(line: number, what: "bad name") }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let key = String(rest.prefix { $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) })
                rest = rest.dropFirst(key.count)
                guard !key.isEmpty, rest.hasPrefix("=\""), labels[key] == nil else {
                    throw Problem(line: number, what: "bad label in \(line)")
                }
                rest = rest.dropFirst(2)
                labels[key] = try quoted(&rest, number)
                if rest.first == "," { rest = rest.dropFirst() }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " " else { throw Problem(line: number, what: "no space before the value") }
        let digits = String(rest.dropFirst())
        guard let value = Double(digits) else { throw Problem(line: number, what: "bad value \(digits)") }
        return (Sample(name: name, labels: labels), value)
    }

    private static func quoted(_ rest: inout Substring, _ number: Int) throws -> String {
        var text = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return text
            case "\\":
                switch rest.popFirst() {
                case "n": text += "\n"
                case "\\": text += "\\"
                case "\"": text += "\""
                default: throw Problem(line: number, what: "bad escape")
                }
            default: text.append(character)
            }
        }
        throw Problem(line: number, what: "a label value without its end")
    }

    /// Buckets never fall, end with `+Inf`, and that one equals the count.
    private func checkHistograms() throws {
        for (family, type) in types where type == "histogram" {
            var series: [[String: String]: [(end: Double, count: Double)]] = [:]
            for (sample, value) in samples where sample.name == family + "_bucket" {
                var labels = sample.labels
                guard let end = labels.removeValue(forKey: "le").flatMap(Double.init) else {
                    throw Problem(line: 0, what: "a bucket of \(family) without le")
                }
                series[labels, default: []].append((end, value))
            }
            for (labels, buckets) in series {
                let counts = buckets.sorted { $0.end < $1.end }.map(\.count)
                let total = samples[Sample(name: family + "_count", labels: labels)]
                let isWhole = zip(counts, counts.dropFirst()).allSatisfy { $0 <= $1 } && counts.last == total
                guard isWhole, buckets.contains(where: { $0.end == .infinity }),
                    samples[Sample(name: family + "_sum", labels: labels)] != nil
                else { throw Problem(line: 0, what: "\(family)\(labels) is not a whole histogram") }
            }
        }
    }
}
