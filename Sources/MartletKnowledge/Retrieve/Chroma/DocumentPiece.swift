import MartletWire

/// A part of a document's text, of its marks or of its file, in a record of the base's documents.
struct DocumentPiece: Decodable, Sendable {
    enum Kind: String {
        case text, marks, file
    }

    var index: Int
    var text: String

    /// In bytes.
    private static let size = 128 << 10

    static func id(_ kind: Kind, _ index: Int, of write: Int) -> String { "\(write)-\(kind.rawValue)-\(index)" }

    /// Never within a character.
    static func cut(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        var (pieces, start) = ([String](), 0)
        while start < bytes.count {
            var end = min(start + size, bytes.count)
            while end < bytes.count, bytes[end] & 0xc0 == 0x80 { end -= 1 }
            pieces.append(String(decoding: bytes[start..<end], as: UTF8.self))
            start = end
        }
        return pieces
    }

    static func records(_ pieces: [String], _ kind: Kind, write: Int, made: Int) -> [ChromaRecord] {
        pieces.enumerated().map { index, text in
            ChromaRecord(
                id: id(kind, index, of: write), vector: [1],
                metadata: [
                    "write": .integer(Int64(write)), "index": .integer(Int64(index)), "text": .string(text),
                    "made": .integer(Int64(made)),
                ], bytes: text.utf8.count)
        }
    }
}
