/// What should have been done before it was committed, and what only one machine knows.
enum LeftoverRule {
    static func check(_ source: SwiftSource) -> [Violation] {
        let marks: Set = ["TODO", "FIXME", "XXX", "HACK"]
        return source.lines.compactMap { line in
            let words = SwiftSource.tokens(line.comment)
            guard let mark = words.first(where: { marks.contains($0.text) }) else { return nil }
            return Violation(
                path: source.path, line: line.number, what: "\(mark.text) left behind",
                instead: "do it, or open an issue", why: "a promise in a comment is kept by nobody")
        }
    }

    // Put together here, so that this file does not name what it looks for.
    private static let machineFolders = ["work", "root"].map { "/" + $0 + "/" }
    private static let homes = ["home", "Users"].map { "/" + $0 + "/" }
    private static let registryWords: Set = ["registry", "artifactory", "nexus", "mirror", "mirrors", "pypi", "npm"]

    /// Paths of somebody's machine and hosts of package registries, in any text file.
    static func check(_ file: Repository.File) -> [Violation] {
        file.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
            var found: [Violation] = []
            if let path = machinePath(line) {
                found.append(
                    Violation(
                        path: file.path, line: index + 1, what: "'\(path)' is a path of one machine",
                        instead: "use a path from the repository's root or from a variable",
                        why: "a clone works anywhere"))
            }
            if let host = hosts(line).first(where: isRegistry) {
                found.append(
                    Violation(
                        path: file.path, line: index + 1, what: "'\(host)' is a package registry",
                        instead: "leave the choice to the client's own configuration",
                        why: "everyone has another one"))
            }
            return found
        }
    }

    private static func machinePath(_ line: Substring) -> String? {
        let words = line.split { " \t\"'`()<>=,;|[]{}".contains($0) }
        return words.lazy.map(String.init).first { word in
            let path = word.hasPrefix("file://") ? String(word.dropFirst(7)) : word
            let isHome = homes.contains { path.hasPrefix($0) && path.dropFirst($0.count).contains("/") }
            return isHome || machineFolders.contains { path.hasPrefix($0) && path.count > $0.count }
        }
    }

    /// The host of each URL in a line.
    static func hosts(_ line: Substring) -> [String] {
        let marks = ["http://", "https://"]
        return marks.flatMap { mark -> [String] in
            line.ranges(of: mark).map { range in
                let authority = line[range.upperBound...].prefix { !"/ \t\"'`()<>,;?#".contains($0) }
                return (authority.split(separator: "@").last.map(String.init) ?? "").lowercased()
            }
        }
    }

    private static func isRegistry(_ host: String) -> Bool {
        host.split(separator: ".").contains { registryWords.contains(String($0)) }
    }
}
