/// Small pieces: a line fits the window, a function the screen, a file one idea. In tests, what is inside strings does
/// not count: a case and its expected message stay whole, on one line.
enum SizeRule {
    static let columns = 120
    static let functionLines = 70
    static let fileLines = 500

    static func check(_ source: SwiftSource) -> [Violation] {
        let isTest = source.target.isEmpty
        var found = source.lines.filter { (isTest ? $0.widthWithoutStrings : $0.text.count) > columns }.map {
            Violation(
                path: source.path, line: $0.number, what: "\($0.text.count) columns",
                instead: "break the line at \(columns)", why: "two files fit beside each other")
        }
        let length = source.lines.last?.text.isEmpty == true ? source.lines.count - 1 : source.lines.count
        if length > fileLines {
            found.append(
                Violation(
                    path: source.path, line: fileLines, what: "a file of \(length) lines",
                    instead: "part it where the ideas part, at most \(fileLines)", why: "a file holds one idea"))
        }
        for function in functions(source) where function.lines > functionLines {
            found.append(
                Violation(
                    path: source.path, line: function.start,
                    what: "\(function.name) has \(function.lines) lines",
                    instead: "give its steps names, at most \(functionLines)", why: "a function fits a screen"))
        }
        return found
    }

    struct Function: Equatable {
        var name: String
        var start: Int
        /// From the declaration to the closing brace.
        var lines: Int
    }

    /// The functions and initialisers with a body; those within others too.
    static func functions(_ source: SwiftSource) -> [Function] {
        source.lines.indices.compactMap { index in
            let tokens = SwiftSource.tokens(source.lines[index].code)
            guard let place = declaration(tokens), let end = bodyEnd(source, from: index, after: tokens[place].end)
            else { return nil }
            let isNamed = tokens[place].text == "func" && place + 1 < tokens.count
            let name = isNamed ? tokens[place + 1].text : tokens[place].text
            return Function(name: name, start: index + 1, lines: end - index + 1)
        }
    }

    private static func declaration(_ tokens: [SwiftSource.Token]) -> Int? {
        tokens.indices.first { index in
            let before = index > 0 ? tokens[index - 1].text : ""
            let after = index + 1 < tokens.count ? tokens[index + 1].text : ""
            switch tokens[index].text {
            case "func": return before != "." && before != "import"
            case "init": return before != "." && ["(", "?", "<"].contains(after)
            case "deinit", "subscript": return before != "." && after != ":"
            default: return false
            }
        }
    }

    /// The line on which the body of a declaration ends; nil when it has none.
    private static func bodyEnd(_ source: SwiftSource, from first: Int, after column: Int) -> Int? {
        var brackets = 0
        var braces = 0
        for index in first..<source.lines.count {
            let code = source.lines[index].code.utf8
            if index > first, braces == 0, brackets == 0, !continues(source.lines[index].code) { return nil }
            for byte in index == first ? code.dropFirst(column) : code[...] {
                switch byte {
                case UInt8(ascii: "("), UInt8(ascii: "["): brackets += 1
                case UInt8(ascii: ")"), UInt8(ascii: "]"): brackets -= 1
                // A brace within parentheses is a default value or an argument.
                case UInt8(ascii: "{") where braces > 0 || brackets == 0: braces += 1
                case UInt8(ascii: "}") where braces > 0:
                    braces -= 1
                    if braces == 0 { return index }
                case UInt8(ascii: "}") where brackets == 0: return nil
                default: break
                }
            }
        }
        return nil
    }

    /// Whether a line can belong to the declaration above it.
    private static func continues(_ code: String) -> Bool {
        guard let first = SwiftSource.tokens(code).first?.text else { return true }
        return ["where", "{", "-", "throws", "async", "rethrows", ")"].contains(first)
    }
}
