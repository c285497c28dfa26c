import Foundation

/// All that `martlet doctor` found, for people and for programs.
package struct Diagnosis: Sendable, Equatable {
    package var findings: [Finding]

    /// Names of checks up to this width stand in one column; longer ones push their line to the right.
    private static let column = 44

    package func count(_ verdict: Finding.Verdict) -> Int {
        findings.count { $0.verdict == verdict }
    }

    /// One line for each check; below those that are not well, what mends them.
    package var text: String {
        let width = min(Self.column, findings.map(\.check.count).max() ?? 0)
        let lines = findings.flatMap { finding in
            let line = padded(finding.verdict.rawValue, 7) + "  " + padded(finding.check, width) + "  " + finding.seen
            return [line] + (finding.remedy.map { [String(repeating: " ", count: 9) + "-> " + $0] } ?? [])
        }
        let counts = [
            "\(count(.ok)) ok", plural(count(.warning), "warning"), plural(count(.failure), "failure"),
        ]
        return (lines + [counts.joined(separator: ", ")]).joined(separator: "\n")
    }

    package func json() throws -> String {
        let report = Report(
            ok: count(.ok), warnings: count(.warning), failures: count(.failure),
            findings: findings.map {
                Report.Item(check: $0.check, finding: $0.verdict.rawValue, seen: $0.seen, remedy: $0.remedy)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }

    private struct Report: Encodable {
        struct Item: Encodable {
            var check: String
            var finding: String
            var seen: String
            var remedy: String?
        }
        var ok: Int
        var warnings: Int
        var failures: Int
        var findings: [Item]
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func plural(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
}
