/// The headings of a Markdown text, as CommonMark finds them at the top level: `# …` and underlined ones, but for what
/// stands in code, comments, HTML, lists and quotations.
///
/// It reads lines and keeps nothing, so that it takes time in proportion to the text, whatever the text is. (The C
/// library that Debian has for this needs the square of it for some: CVE-2023-22486 and its like.)
public struct MarkdownOutline: Sendable {
    private enum Block: Equatable {
        case none
        /// From the offset on: its last line may yet be underlined.
        case paragraph(offset: Int, words: String)
        /// To be closed by as many of the same character.
        case fence(UInt8, length: Int)
        /// Up to an empty line.
        case markup
        /// Up to a line that has this.
        case until(String)
    }

    /// Longer paragraphs are no headings.
    private static let maximumTitleBytes = 1024
    /// Those that follow are words like others.
    private static let mostHeadings = 1_000_000

    public private(set) var headings: [HeadingMark] = []
    /// As the front matter says it.
    public private(set) var title: String?
    private var block = Block.none
    private var offset = 0
    private let mayHaveFrontMatter: Bool
    private var isFrontMatter = false

    public init(_ text: String) {
        // A rule on the first line, without another one, begins nothing.
        mayHaveFrontMatter = text.utf8.prefix(64 << 10).contains(Array("\n---".utf8)[...])
        var rest = text.utf8[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: 0x0a) ?? rest.endIndex
            take(rest[..<end])
            let whole = end == rest.endIndex ? end : rest.index(after: end)
            for byte in rest[..<whole] where byte & 0xc0 != 0x80 { offset += 1 }
            rest = rest[whole...]
        }
    }

    private mutating func take(_ line: Substring.UTF8View) {
        let indent = line.prefix { $0 == 0x20 }.count
        let words = Self.trimmed(line)
        if takeFrontMatter(words) { return }
        switch block {
        case .fence(let mark, let length):
            if indent < 4, words.count >= length, words.allSatisfy({ $0 == mark }) { block = .none }
            return
        case .until(let end):
            if words.contains(Array(end.utf8)[...]) { block = .none }
            return
        case .markup:
            if words.isEmpty { block = .none }
            return
        case .paragraph(let start, let title):
            if words.isEmpty { return block = .none }
            if indent < 4, let level = Self.underline(words) {
                add(title, level, at: start)
                return block = .none
            }
            if indent >= 4 { return join(words, to: title, from: start) }
            if !begin(words, indent) { join(words, to: title, from: start) }
        case .none:
            // Indented code.
            guard !words.isEmpty, indent < 4, line.first != 0x09 else { return }
            if !begin(words, indent) {
                block = .paragraph(offset: offset + indent, words: String(Substring(words)))
            }
        }
    }

    /// Begins what interrupts a paragraph; false: these are words of one.
    private mutating func begin(_ words: Substring.UTF8View, _ indent: Int) -> Bool {
        guard let first = words.first else { return false }
        switch first {
        case UInt8(ascii: "#"):
            let level = words.prefix { $0 == first }.count
            let rest = words.dropFirst(level)
            guard level <= 6, rest.first.map({ $0 == 0x20 || $0 == 0x09 }) ?? true else { return false }
            add(Self.withoutClosing(rest), level, at: offset + indent)
            block = .none
        case UInt8(ascii: "`"), UInt8(ascii: "~"):
            let length = words.prefix { $0 == first }.count
            guard length >= 3, first == UInt8(ascii: "~") || !words.dropFirst(length).contains(first) else {
                return false
            }
            block = .fence(first, length: length)
        case UInt8(ascii: "<"):
            guard let markup = Self.markup(words) else { return false }
            block = markup
        case UInt8(ascii: ">"), UInt8(ascii: "|"): block = .none
        case UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "+"):
            let next = words.dropFirst().first
            guard next == nil || next == 0x20 || next == 0x09 || Self.isRule(words) else { return false }
            block = .none
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            let rest = words.drop { 0x30...0x39 ~= $0 }
            guard rest.first == 0x2e || rest.first == 0x29, rest.dropFirst().first == 0x20 else { return false }
            block = .none
        default: return false
        }
        return true
    }

    private mutating func join(_ words: Substring.UTF8View, to title: String, from start: Int) {
        guard title.utf8.count + words.count < Self.maximumTitleBytes else { return block = .markup }
        block = .paragraph(offset: start, words: title + " " + String(Substring(words)))
    }

    private mutating func add(_ title: String, _ level: Int, at start: Int) {
        guard headings.count < Self.mostHeadings else { return }
        let shown = Self.plain(title)
        if !shown.isEmpty { headings.append(HeadingMark(offset: start, level: level, title: shown)) }
    }

    /// `---` on the first line begins it, and `---` or `...` ends it.
    private mutating func takeFrontMatter(_ words: Substring.UTF8View) -> Bool {
        let line = Substring(words)
        guard isFrontMatter else {
            isFrontMatter = offset == 0 && mayHaveFrontMatter && line == "---"
            return isFrontMatter
        }
        if line == "---" || line == "..." { isFrontMatter = false }
        if title == nil, line.hasPrefix("title:") {
            let value = String(line.dropFirst(6)).trimmingBlanks.filter { $0 != "\"" }
            title = value.isEmpty ? nil : value
        }
        return true
    }

    // MARK: Lines

    private static func trimmed(_ line: Substring.UTF8View) -> Substring.UTF8View {
        var rest = line.drop { $0 == 0x20 || $0 == 0x09 }
        while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
        return rest
    }

    private static func underline(_ words: Substring.UTF8View) -> Int? {
        guard let first = words.first, words.allSatisfy({ $0 == first }) else { return nil }
        return first == UInt8(ascii: "=") ? 1 : first == UInt8(ascii: "-") ? 2 : nil
    }

    private static func isRule(_ words: Substring.UTF8View) -> Bool {
        let marks = words.filter { $0 != 0x20 && $0 != 0x09 }
        return marks.count >= 3 && marks.allSatisfy { $0 == marks[0] }
    }

    private static func markup(_ words: Substring.UTF8View) -> Block? {
        let line = Substring(words).lowercased()
        if line.hasPrefix("<!--") { return line.contains("-->") ? Block.none : .until("-->") }
        for name in ["script", "pre", "style", "textarea"] where line.hasPrefix("<\(name)") {
            return line.contains("</\(name)>") ? Block.none : .until("</\(name)>")
        }
        guard let second = line.dropFirst().first, second.isLetter || second == "/" else { return nil }
        return .markup
    }

    /// `# Title ##` is `Title`.
    private static func withoutClosing(_ words: Substring.UTF8View) -> String {
        var rest = trimmed(words)
        let closing = rest.reversed().prefix { $0 == UInt8(ascii: "#") }.count
        let before = rest.dropLast(closing)
        if closing > 0, before.last.map({ $0 == 0x20 || $0 == 0x09 }) ?? true { rest = trimmed(before) }
        return String(Substring(rest))
    }

    /// Without emphasis, code marks and the targets of links.
    private static func plain(_ title: String) -> String {
        var shown = ""
        var rest = Substring(title)
        // Looked for once: where none is left, none is left for what follows.
        var hasClosing = true
        while let next = rest.popFirst() {
            switch next {
            case "*", "`": break
            case "\\": if let escaped = rest.popFirst() { shown.append(escaped) }
            case "!" where rest.first == "[": break
            case "[": break
            case "]":
                guard hasClosing, rest.first == "(" else { break }
                let end = rest.firstIndex(of: ")")
                hasClosing = end != nil
                if let end { rest = rest[rest.index(after: end)...] }
            default: shown.append(next)
            }
        }
        return shown.trimmingBlanks
    }
}
