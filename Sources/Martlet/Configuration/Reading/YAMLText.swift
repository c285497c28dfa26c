import Yams

/// The text of a file made safe to hand to the YAML library, and its one document.
///
/// The library expands aliases by itself, and hashes and compares whole keys while it does: a few lines of nested
/// aliases would take it hours. It also stops at the first mapping with a key that is written twice. So it never sees
/// either: an alias reaches it as a word that begins with a mark, and the first of two equal keys is marked and tried
/// again. The braces of `${NAME}` are marked too, because YAML would read them as a mapping within `{…}`. Whoever
/// reads the document takes the marks away.
struct YAMLText {
    /// Characters of Unicode's private area; a file that holds one is refused.
    private enum Sign {
        /// Stands for the `*` of an alias.
        static let alias: Unicode.Scalar = "\u{E000}"
        /// Encloses the number that keeps a repeated key apart from the next one.
        static let duplicate: Unicode.Scalar = "\u{E001}"
        /// Stands for `${`.
        static let opening: Unicode.Scalar = "\u{E002}"
        /// Stands for the `}` that belongs to it.
        static let closing: Unicode.Scalar = "\u{E003}"
        static let all: ClosedRange<Unicode.Scalar> = alias...closing
    }

    static let maximumBytes = 4 << 20
    private static let maximumDuplicates = 50
    /// Trying again costs time: a large file gets fewer tries.
    private static let maximumBytesTried = 8 << 20

    struct Failure: Error {
        var line: Int?
        var message: String
    }

    private var scalars: [Unicode.Scalar]

    init(_ text: String) throws(Failure) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw Failure(message: "is larger than 4MiB, which no configuration needs")
        }
        let original = Array(text.unicodeScalars)
        if let index = original.firstIndex(where: { Sign.all.contains($0) }) {
            let line = original[..<index].reduce(1) { $1 == "\n" ? $0 + 1 : $0 }
            throw Failure(
                line: line, message: "holds the private character U+\(String(original[index].value, radix: 16))")
        }
        scalars = Self.marked(original)
    }

    private static func marked(_ original: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(original.count)
        var closing: Int?
        var index = 0
        while index < original.count {
            let scalar = original[index]
            let next = index + 1 < original.count ? original[index + 1] : nil
            if scalar == "*", let next, isAnchorCharacter(next) {
                result.append(Sign.alias)
            } else if scalar == "$", next == "$" {
                result += ["$", "$"]
                index += 1
            } else if scalar == "$", next == "{", let end = endOfReference(original[(index + 2)...]) {
                result.append(Sign.opening)
                closing = end
                index += 1
            } else {
                result.append(index == closing ? Sign.closing : scalar)
            }
            index += 1
        }
        return result
    }

    /// Where the `}` is, when what comes before it can be `NAME` or `NAME:-default` on one line.
    private static func endOfReference(_ text: ArraySlice<Unicode.Scalar>) -> Int? {
        guard let end = text.firstIndex(where: isStop), text[end] == "}" else { return nil }
        let name = text[..<end].prefix { $0 != ":" }
        guard !name.isEmpty, name.allSatisfy({ isAnchorCharacter($0) && $0 != "-" }) else { return nil }
        return end
    }

    private static func isStop(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "}", "{", "\"", "'", "\r", "\n": true
        default: false
        }
    }

    /// The document, with the parser that must outlive it (a node holds its anchor weakly); nil for an empty file.
    mutating func compose() throws(Failure) -> (parser: Parser, root: Node)? {
        let maximumRepeats = min(Self.maximumDuplicates, Self.maximumBytesTried / max(1, scalars.count))
        var repeats = 0
        while true {
            do {
                let parser = try Parser(yaml: Self.text(scalars), resolver: .basic, encoding: .utf8)
                return try parser.singleRoot().map { (parser, $0) }
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                repeats += 1
                guard repeats <= maximumRepeats, markDuplicate(at: context.mark, number: repeats) else {
                    let name = printable(Self.withoutMarks(names.first ?? "").prefix(60))
                    throw Failure(line: context.mark.line, message: "the key `\(name)` is written twice")
                }
            } catch {
                throw Self.failure(error)
            }
        }
    }

    /// The text of a value or key as it was in the file.
    static func withoutMarks(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { Sign.all.contains($0) }) else { return text }
        var result: [Unicode.Scalar] = []
        var isInNumber = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case Sign.duplicate: isInNumber.toggle()
            case _ where isInNumber: continue
            case Sign.alias: result.append("*")
            case Sign.opening: result += ["$", "{"]
            case Sign.closing: result.append("}")
            default: result.append(scalar)
            }
        }
        return Self.text(result)
    }

    private static func text(_ scalars: [Unicode.Scalar]) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The name of the alias that a plain scalar stands for.
    static func aliasName(_ plain: String) -> String? {
        plain.unicodeScalars.first == Sign.alias ? String(plain.unicodeScalars.dropFirst()) : nil
    }

    private static func isAnchorCharacter(_ scalar: Unicode.Scalar) -> Bool {
        guard let byte = UInt8(exactly: scalar.value) else { return false }
        return isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    /// Makes the key there unlike any other; false where something stands before the key itself.
    private mutating func markDuplicate(at mark: Mark, number: Int) -> Bool {
        guard var index = index(line: mark.line, column: mark.column) else { return false }
        if ["&", "!", "?", "[", "{"].contains(scalars[index]) { return false }
        if scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        let wrapped = "\(Sign.duplicate)\(number)\(Sign.duplicate)"
        scalars.insert(contentsOf: wrapped.unicodeScalars, at: index)
        return true
    }

    /// Lines end where the library ends them.
    private func index(line: Int, column: Int) -> Int? {
        var index = 0
        var current = 1
        while current < line {
            guard index < scalars.count else { return nil }
            let scalar = scalars[index]
            index += 1
            if scalar == "\r", index < scalars.count, scalars[index] == "\n" { index += 1 }
            if ["\r", "\n", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar) { current += 1 }
        }
        index += column - 1
        return index < scalars.count ? index : nil
    }

    private static func failure(_ error: any Error) -> Failure {
        guard let error = error as? YamlError else { return Failure(message: "is not YAML") }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            return Failure(line: mark.line, message: "is not YAML: \(sentence(context, problem))")
        case .reader(let problem, let offset, _, let yaml):
            let line = offset.map { yaml.prefix($0).reduce(1) { $1.isNewline ? $0 + 1 : $0 } }
            return Failure(line: line, message: "is not YAML: \(problem)")
        default:
            return Failure(message: "is not YAML: \(printable(error.description))")
        }
    }

    private static func sentence(_ context: YamlError.Context?, _ problem: String) -> String {
        let hint = " (YAML indents with spaces, not tabs; @, ` and % need quotes)"
        let place = context.map { "\($0.text) of line \($0.mark.line): " } ?? ""
        return place + problem + (problem.contains("cannot start any token") ? hint : "")
    }
}
