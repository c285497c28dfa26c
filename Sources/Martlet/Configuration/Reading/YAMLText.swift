import Yams

/// The text of a file made safe to hand to the YAML library, and its one document.
///
/// The library expands aliases by itself, and hashes and compares whole keys while it does: a few lines of nested
/// aliases would take it hours. It also stops at the first mapping with a key that is written twice. So it never sees
/// either: an alias reaches it as a word that begins with `aliasMark`, and the first of two equal keys is marked with
/// `duplicateMark` and tried again. Whoever reads the document takes the marks away.
struct YAMLText {
    /// Stands for the `*` of an alias. A character of Unicode's private area; a file that holds it is refused.
    static let aliasMark: Unicode.Scalar = "\u{E000}"
    /// Encloses the number that keeps a repeated key apart from the next one.
    static let duplicateMark: Unicode.Scalar = "\u{E001}"
    static let maximumBytes = 4 << 20
    private static let maximumDuplicates = 50

    struct Failure: Error {
        var line: Int?
        var message: String
    }

    private var scalars: String.UnicodeScalarView

    init(_ text: String) throws(Failure) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw Failure(message: "is larger than 4MiB, which no configuration needs")
        }
        scalars = String.UnicodeScalarView()
        var line = 1
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar == Self.aliasMark || scalar == Self.duplicateMark {
                throw Failure(line: line, message: "holds the private character U+\(String(scalar.value, radix: 16))")
            }
            if previous == "*", Self.isAnchorCharacter(scalar) {
                scalars.removeLast()
                scalars.append(Self.aliasMark)
            }
            if scalar == "\n" { line += 1 }
            scalars.append(scalar)
            previous = scalar
        }
    }

    /// The document, with the parser that must outlive it (a node holds its anchor weakly); nil for an empty file.
    mutating func compose() throws(Failure) -> (parser: Parser, root: Node)? {
        var repeats = 0
        while true {
            do {
                let parser = try Parser(yaml: String(scalars), resolver: .basic, encoding: .utf8)
                return try parser.singleRoot().map { (parser, $0) }
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                repeats += 1
                guard repeats <= Self.maximumDuplicates, markDuplicate(at: context.mark, number: repeats) else {
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
        var result = String.UnicodeScalarView()
        var isInNumber = false
        for scalar in text.unicodeScalars {
            if scalar == duplicateMark {
                isInNumber.toggle()
            } else if !isInNumber {
                result.append(scalar == aliasMark ? "*" : scalar)
            }
        }
        return String(result)
    }

    private static func isAnchorCharacter(_ scalar: Unicode.Scalar) -> Bool {
        guard let byte = UInt8(exactly: scalar.value) else { return false }
        return isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    /// Makes the key there unlike any other; false where something stands before the key itself.
    private mutating func markDuplicate(at mark: Mark, number: Int) -> Bool {
        guard var index = index(line: mark.line, column: mark.column), index < scalars.endIndex else { return false }
        if ["&", "!", "?", "[", "{"].contains(scalars[index]) { return false }
        if scalars[index] == "\"" || scalars[index] == "'" { scalars.formIndex(after: &index) }
        let wrapped = "\(Self.duplicateMark)\(number)\(Self.duplicateMark)"
        scalars.insert(contentsOf: wrapped.unicodeScalars, at: index)
        return true
    }

    /// Lines end where the library ends them.
    private func index(line: Int, column: Int) -> String.UnicodeScalarView.Index? {
        var index = scalars.startIndex
        var current = 1
        while current < line {
            guard index < scalars.endIndex else { return nil }
            let scalar = scalars[index]
            scalars.formIndex(after: &index)
            if scalar == "\r", index < scalars.endIndex, scalars[index] == "\n" { scalars.formIndex(after: &index) }
            if ["\r", "\n", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar) { current += 1 }
        }
        return scalars.index(index, offsetBy: column - 1, limitedBy: scalars.endIndex)
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
        let tab = problem.contains("cannot start any token") ? " (YAML indents with spaces, not tabs; @, ` and % need quotes)" : ""
        let place = context.map { "\($0.text) of line \($0.mark.line): " } ?? ""
        return place + problem + tab
    }
}
