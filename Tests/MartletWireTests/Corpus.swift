import Foundation
import MartletBase
import MartletWire
import NIOCore
import Testing

/// One case of a file in `Corpus/`; the file's first lines say how it is written.
struct CorpusCase: Sendable, CustomTestStringConvertible {
    var name: String
    var outcome: String
    var bytes: [UInt8]

    var testDescription: String { name }

    static func load(_ file: String) throws -> [CorpusCase] {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(file)")
        let text = try String(contentsOf: path, encoding: .utf8)
        var cases: [CorpusCase] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("%") {
            if line.hasPrefix("== ") {
                let parts = line.dropFirst(3).split(separator: " => ", maxSplits: 1)
                cases.append(CorpusCase(name: String(parts[0]), outcome: String(parts[1]), bytes: []))
            } else if !cases.isEmpty {
                cases[cases.count - 1].bytes += decode(String(line))
            }
        }
        return cases.map { CorpusCase(name: $0.name, outcome: repeated($0.outcome), bytes: $0.bytes) }
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
    var failure: WireError?
    pieces.forEach(bytes) { piece in
        input.writeBytes(piece)
        while failure == nil {
            do throws(WireError) {
                guard let part = try parser.next(&input) else { return }
                switch part {
                case .head(let head, let framing):
                    current = ("\(head.methodText) \(String(buffer: head.target))", 0, !framing.isKeepAlive)
                case .body(let slice): current?.body += slice.readableBytes
                case .end:
                    if let current { done.append("\(current.line) \(current.body)\(current.closes ? "+close" : "")") }
                    current = nil
                }
            } catch {
                failure = error
            }
        }
    }
    if let failure {
        done.append("!\(failure.code.text)")
    } else if current != nil || parser.isInHead || done.isEmpty {
        done.append("...")
    }
    return done.joined(separator: "; ")
}
