/// Tells code, comments and strings apart: nested block comments, raw and multi-line strings, interpolation.
struct SwiftScanner {
    private enum Mode: Equatable {
        /// Code; inside an interpolation, with the parentheses still open.
        case code(parentheses: Int, isInterpolation: Bool)
        case string(hashes: Int, isMultiline: Bool)
        case lineComment
        case blockComment(depth: Int)
    }

    private let bytes: [UInt8]
    private var at = 0
    private var modes: [Mode] = [.code(parentheses: 0, isInterpolation: false)]
    private var code: [[UInt8]] = [[]]
    private var comments: [[UInt8]] = [[]]

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// For each line, its code and its comment.
    mutating func scan() -> (code: [String], comments: [String]) {
        while at < bytes.count {
            if bytes[at] == 10 {
                newline()
                continue
            }
            switch modes.last {
            case .string(let hashes, let isMultiline): string(hashes, isMultiline)
            case .lineComment: comment(advance: 1)
            case .blockComment(let depth): blockComment(depth)
            case .code(let parentheses, let isInterpolation): codeByte(parentheses, isInterpolation)
            case nil: return ([], [])
            }
        }
        return (code.map { String(decoding: $0, as: UTF8.self) }, comments.map { String(decoding: $0, as: UTF8.self) })
    }

    private mutating func newline() {
        if modes.last == .lineComment { modes.removeLast() }
        // A string that does not end on its line is a mistake of the scanner or of the file: go on with the next line.
        if case .string(_, isMultiline: false) = modes.last { modes.removeLast() }
        code.append([])
        comments.append([])
        at += 1
    }

    private mutating func codeByte(_ parentheses: Int, _ isInterpolation: Bool) {
        if starts("//") {
            modes.append(.lineComment)
            return comment(advance: 2)
        }
        if starts("/*") {
            modes.append(.blockComment(depth: 1))
            return comment(advance: 2)
        }
        if let opening = stringOpening() {
            modes.append(.string(hashes: opening.hashes, isMultiline: opening.isMultiline))
            return blank(opening.length, first: UInt8(ascii: "\""))
        }
        let change = bytes[at] == UInt8(ascii: "(") ? 1 : bytes[at] == UInt8(ascii: ")") ? -1 : 0
        if isInterpolation, parentheses + change == 0 {
            modes.removeLast()
            return blank(1)
        }
        modes[modes.count - 1] = .code(parentheses: parentheses + change, isInterpolation: isInterpolation)
        keep()
    }

    private mutating func string(_ hashes: Int, _ isMultiline: Bool) {
        let marks = String(repeating: "#", count: hashes)
        if starts("\\" + marks + "(") {
            modes.append(.code(parentheses: 1, isInterpolation: true))
            blank(2 + hashes)
        } else if starts("\\" + marks) {
            blank(min(2 + hashes, bytes.count - at))
        } else if starts((isMultiline ? "\"\"\"" : "\"") + marks) {
            modes.removeLast()
            blank((isMultiline ? 3 : 1) + hashes, first: UInt8(ascii: "\""))
        } else {
            blank(1)
        }
    }

    private mutating func blockComment(_ depth: Int) {
        if starts("/*") {
            modes[modes.count - 1] = .blockComment(depth: depth + 1)
            comment(advance: 2)
        } else if starts("*/") {
            if depth == 1 { modes.removeLast() } else { modes[modes.count - 1] = .blockComment(depth: depth - 1) }
            comment(advance: 2)
        } else {
            comment(advance: 1)
        }
    }

    private func stringOpening() -> (hashes: Int, isMultiline: Bool, length: Int)? {
        let hashes = bytes[at...].prefix { $0 == UInt8(ascii: "#") }.count
        let quote = at + hashes
        guard quote < bytes.count, bytes[quote] == UInt8(ascii: "\"") else { return nil }
        let isMultiline = bytes[quote...].starts(with: "\"\"\"".utf8)
        return (hashes, isMultiline, hashes + (isMultiline ? 3 : 1))
    }

    private func starts(_ text: String) -> Bool {
        bytes[at...].starts(with: text.utf8)
    }

    private mutating func keep() {
        code[code.count - 1].append(bytes[at])
        at += 1
    }

    private mutating func blank(_ count: Int, first: UInt8 = 32) {
        for place in 0..<count where at < bytes.count && bytes[at] != 10 {
            code[code.count - 1].append(place == 0 ? first : 32)
            at += 1
        }
    }

    private mutating func comment(advance count: Int) {
        for _ in 0..<count where at < bytes.count {
            comments[comments.count - 1].append(bytes[at])
            code[code.count - 1].append(32)
            at += 1
        }
    }
}
