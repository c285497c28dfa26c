import Foundation
import MartletBase
import MartletWire
import NIOCore
import Testing

/// One case of the files in `Corpus/`; the first lines of `requests.txt` say how they are written.
struct CorpusCase: Sendable {
    var name: String
    var outcome: String
    var bytes: [UInt8] = []
    /// Of a table, not a case with a name of its own.
    var isRow = false

    /// Every case of every file.
    static func load() throws -> [CorpusCase] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return try files.sorted { $0.path < $1.path }.flatMap { file in
            try read(String(contentsOf: file, encoding: .utf8))
        }
    }

    private static func read(_ text: String) -> [CorpusCase] {
        var cases: [CorpusCase] = []
        var table: (title: String, lines: [String])?
        for line in text.split(separator: "\n").map(String.init) where !line.hasPrefix("%") {
            let rest = String(line.dropFirst(3))
            if line.hasPrefix("== ") {
                table = nil
                cases.append(parted(rest, at: rest.range(of: " => ")))
            } else if line.hasPrefix("++ ") {
                table = (rest, [])
            } else if line.hasPrefix("-- "), let table {
                var row = parted(rest, at: rest.range(of: " => ", options: .backwards))
                row.bytes = table.lines.flatMap { decode($0.replacing("<>", with: row.name)) }
                row.name = "\(table.title): \(row.name)"
                row.isRow = true
                cases.append(row)
            } else if table != nil {
                table?.lines.append(line)
            } else if !cases.isEmpty {
                cases[cases.count - 1].bytes += decode(line)
            }
        }
        return cases
    }

    /// A case of which the text is `name => outcome`, perhaps with what the backend must see of the fields.
    private static func parted(_ text: String, at arrow: Range<String.Index>?) -> CorpusCase {
        guard let arrow else { return CorpusCase(name: text, outcome: "") }
        let outcome = text[arrow.upperBound...]
        let fields = outcome.range(of: " [")?.lowerBound ?? outcome.endIndex
        return CorpusCase(name: String(text[..<arrow.lowerBound]), outcome: repeated(String(outcome[..<fields])))
    }

    /// `{{text*N}}`.
    private static func repeated(_ text: String) -> String {
        text.replacing(/\{\{(.*?)\*([0-9]+)\}\}/) { String(repeating: String($0.1), count: Int($0.2) ?? 0) }
    }

    private static func decode(_ line: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(repeated(line).utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
                bytes.append(byte)
                continue
            }
            switch escape {
            case UInt8(ascii: "r"): bytes.append(13)
            case UInt8(ascii: "n"): bytes.append(10)
            case UInt8(ascii: "t"): bytes.append(9)
            case UInt8(ascii: "x"):
                bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            default: bytes.append(escape)
            }
        }
        return bytes
    }
}

/// Feeds bytes to a parser in pieces and writes down what comes out, body pieces joined.
struct Pieces: Sendable {
    var sizes: @Sendable (Int) -> Int

    static let whole = Pieces { _ in .max }
    static let single = Pieces { _ in 1 }
    static func every(_ size: Int) -> Pieces { Pieces { _ in size } }
    /// Two pieces, cut at `place`.
    static func cut(at place: Int) -> Pieces { Pieces { $0 < place ? place - $0 : .max } }

    func forEach(_ bytes: [UInt8], _ body: (ArraySlice<UInt8>) throws -> Void) rethrows {
        var position = 0
        while position < bytes.count {
            let size = max(1, min(sizes(position), bytes.count - position))
            try body(bytes[position..<position + size])
            position += size
        }
    }
}

/// What a ``RequestParser`` makes of bytes, in the words of the corpus.
///
/// - Parameter discarded: bytes that lie before the reader index of the input.
func requestOutcome(
    _ bytes: [UInt8], _ pieces: Pieces, limits: HTTPLimits = HTTPLimits(), discarded: Int = 0
) -> String {
    var parser = RequestParser(limits: limits)
    var input = ByteBuffer(repeating: 0x0a, count: discarded)
    input.moveReaderIndex(forwardBy: discarded)
    var done: [String] = []
    var current: (line: String, body: Int, closes: Bool)?
    func take(_ part: RequestPart) {
        switch part {
        case .head(let head, let framing):
            current = ("\(head.methodText) \(String(buffer: head.target))", 0, !framing.isKeepAlive)
        case .body(let slice): current?.body += slice.readableBytes
        case .end:
            if let current { done.append("\(current.line) \(current.body)\(current.closes ? "+close" : "")") }
            current = nil
        }
    }
    do {
        try pieces.forEach(bytes) { piece in
            input.writeBytes(piece)
            while let part = try parser.next(&input) { take(part) }
        }
    } catch {
        done.append("!\((error as? WireError)?.code.text ?? "\(error)")")
        return done.joined(separator: "; ")
    }
    if current != nil || parser.isInHead || done.isEmpty {
        done.append("...")
    }
    return done.joined(separator: "; ")
}
