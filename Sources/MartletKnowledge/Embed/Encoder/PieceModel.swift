/// The vocabulary of a SentencePiece unigram model, as its `.model` file (a protobuf message) tells it.
struct PieceModel: Sendable {
    /// How likely each piece is; its place is the piece's number.
    let scores: [Float]
    /// What texts are normalised with.
    let normalizer: PieceNormalizer
    let trie: PieceTrie

    /// The first three pieces of every model that is read here.
    static let unknown: Int32 = 0
    static let begin: Int32 = 1
    static let end: Int32 = 2

    init(_ file: ModelFile) throws(ModelFile.Flaw) {
        var scores: [Float] = []
        var trie = PieceTrie()
        var charsmap: Range<Int>?
        var fields = ProtobufFields(file, in: 0..<file.count)
        while let field = try fields.next() {
            if field.number == 1 {
                let piece = try Self.piece(file, field.content)
                trie.insert(try file.bytes(piece.text), as: Int32(scores.count))
                scores.append(piece.score)
            } else if field.number == 3 {
                // The normaliser; its rules are the second field.
                var inner = ProtobufFields(file, in: field.content)
                while charsmap == nil, let rule = try inner.next() {
                    if rule.number == 2 { charsmap = rule.content }
                }
            }
        }
        guard scores.count > Int(Self.end) else { throw ModelFile.Flaw(reason: "it has no pieces") }
        self.scores = scores
        self.trie = trie
        normalizer = try PieceNormalizer(charsmap: try file.bytes(charsmap ?? 0..<0))
    }

    private static func piece(
        _ file: ModelFile, _ content: Range<Int>
    ) throws(ModelFile.Flaw) -> (text: Range<Int>, score: Float) {
        var text = content.lowerBound..<content.lowerBound
        var score: Float = 0
        var fields = ProtobufFields(file, in: content)
        while let field = try fields.next() {
            if field.number == 1 { text = field.content }
            if field.number == 2 {
                let bits = try file.number(at: field.content.lowerBound, size: 4)
                score = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            }
        }
        return (text, score)
    }
}

/// Steps through the fields of a protobuf message that have content of their own: strings, messages, fixed numbers.
struct ProtobufFields {
    private let file: ModelFile
    private var place: Int
    private let end: Int

    init(_ file: ModelFile, in range: Range<Int>) {
        self.file = file
        place = range.lowerBound
        end = range.upperBound
    }

    mutating func next() throws(ModelFile.Flaw) -> (number: Int, content: Range<Int>)? {
        while place < end {
            let tag = try variable()
            let length: Int
            switch tag & 7 {
            case 0:
                _ = try variable()
                continue
            case 1: length = 8
            case 2: length = try variable()
            case 5: length = 4
            default: throw ModelFile.Flaw(reason: "it is no protobuf message")
            }
            guard length >= 0, length <= end - place else { throw ModelFile.Flaw(reason: "a message is cut off") }
            place += length
            return (tag >> 3, place - length..<place)
        }
        return nil
    }

    private mutating func variable() throws(ModelFile.Flaw) -> Int {
        var value = 0
        for shift in stride(from: 0, to: 63, by: 7) {
            let byte = try file.count(at: place, size: 1)
            place += 1
            value |= (byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw ModelFile.Flaw(reason: "a number is too long")
    }
}
