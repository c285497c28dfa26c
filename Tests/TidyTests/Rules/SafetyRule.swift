/// What can end the process or break memory safety needs its reason beside it.
enum SafetyRule {
    static func check(_ source: SwiftSource) -> [Violation] {
        source.lines.flatMap { line -> [Violation] in
            let found = dangers(line.code)
            guard !found.isEmpty, !hasReason(source, at: line.number) else { return [] }
            return found.map {
                Violation(path: source.path, line: line.number, what: $0.what, instead: $0.instead, why: $0.why)
            }
        }
    }

    /// A `// SAFETY:` comment on the line itself or on one of the three above.
    private static func hasReason(_ source: SwiftSource, at number: Int) -> Bool {
        source.lines[max(0, number - 4)..<number].contains { $0.comment.contains("SAFETY:") }
    }

    private static func dangers(_ code: String) -> [(what: String, instead: String, why: String)] {
        let trap = "bytes from outside cannot end the process"
        let tokens = SwiftSource.tokens(code)
        return tokens.indices.compactMap { index in
            let next = index + 1 < tokens.count ? tokens[index + 1] : nil
            switch tokens[index].text {
            case "try" where next?.text == "!":
                return ("'try!'", "handle the error or let it through", trap)
            case "as" where next?.text == "!":
                return ("'as!'", "use 'as?' and say what else may be", trap)
            case "!" where isForceUnwrap(tokens, index):
                return ("a value is unwrapped by force", "use 'if let', 'guard let' or '??'", trap)
            case "unchecked" where index > 0 && tokens[index - 1].text == "@":
                return ("'@unchecked'", "use a Mutex, an atomic or a value", "the compiler proves the rest")
            case "unsafe":
                return ("'unsafe' without its reason", "write '// SAFETY: why it holds' above", "readers must check it")
            default: return nil
            }
        }
    }

    /// `x!`, `f()!`, `a[0]!`, `Type!`: a `!` that touches what stands before it and is not `!=`.
    private static func isForceUnwrap(_ tokens: [SwiftSource.Token], _ index: Int) -> Bool {
        guard index > 0, tokens[index - 1].end == tokens[index].start else { return false }
        let before = tokens[index - 1].text
        guard before != "try", before != "as" else { return false }
        if index + 1 < tokens.count, tokens[index + 1].text == "=", tokens[index + 1].start == tokens[index].end {
            return false
        }
        return before.utf8.allSatisfy(SwiftSource.isWord) || [")", "]", "}", ">", "?", "`", "\""].contains(before)
    }
}
