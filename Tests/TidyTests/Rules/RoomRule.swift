/// Each room explains itself, and the catalogue and its document say the same.
enum RoomRule {
    static func missingReadmes(_ repository: Repository) throws -> [Violation] {
        try repository.entries("Sources").filter { !repository.exists("Sources/\($0)/README.md") }.map {
            Violation(
                path: "Sources/\($0)/README.md", line: 1, what: "the room has no README.md",
                instead: "say on one page what lives here, what may be touched, what to read first",
                why: "whoever opens the room starts there")
        }
    }

    /// - Parameters:
    ///   - catalogue: the source that names every series.
    ///   - document: the page that explains every series, in tables whose first column holds the name.
    static func metrics(catalogue: Repository.File, document: Repository.File) -> [Violation] {
        let counted = names(catalogue, after: "= \"")
        let explained = names(document, after: "| `")
        let missing = counted.filter { explained[$0.key] == nil }.map { name, line in
            Violation(
                path: catalogue.path, line: line, what: "\(name) is not in \(document.path)",
                instead: "explain it there", why: "a number nobody can look up is noise")
        }
        let stale = explained.filter { counted[$0.key] == nil }.map { name, line in
            Violation(
                path: document.path, line: line, what: "\(name) is not counted",
                instead: "remove it, or add it to \(catalogue.path)", why: "documents are true")
        }
        return (missing + stale).sorted { ($0.path, $0.line) < ($1.path, $1.line) }
    }

    private static func names(_ file: Repository.File, after mark: String) -> [String: Int] {
        var found: [String: Int] = [:]
        for (index, line) in file.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard let range = line.firstRange(of: mark) else { continue }
            let name = line[range.upperBound...].prefix { $0 == "_" || ($0.isASCII && $0.isLetter) }
            guard ["martlet_", "gen_ai_", "process_"].contains(where: name.hasPrefix) else { continue }
            found[String(name)] = index + 1
        }
        return found
    }
}
