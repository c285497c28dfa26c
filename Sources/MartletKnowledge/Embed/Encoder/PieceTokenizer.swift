/// Cuts texts into the most likely pieces of a SentencePiece unigram model.
struct PieceTokenizer: Sendable {
    let model: PieceModel
    /// Of a character that no piece has.
    private let unknownScore: Double

    init(_ model: PieceModel) {
        self.model = model
        unknownScore = Double(model.scores.min() ?? 0) - 10
    }

    /// The numbers of the pieces, between those of beginning and end.
    func pieces(of text: String) -> [Int32] {
        let normal = model.normalizer.normalize(text)
        return [PieceModel.begin] + (normal.isEmpty ? [PieceModel.unknown] : best(normal)) + [PieceModel.end]
    }

    /// Viterbi's: for each place the best way to it, of the pieces that end there. Of equal ways the one whose last
    /// piece begins first.
    private func best(_ text: [UInt8]) -> [Int32] {
        struct Way {
            var score = -Double.infinity
            var start = 0
            var piece = PieceModel.unknown
        }
        var ways = [Way](repeating: Way(), count: text.count + 1)
        ways[0].score = 0
        var start = 0
        while start < text.count {
            let before = ways[start].score
            let character = PieceNormalizer.characterBytes(text[start])
            var node = PieceTrie.root
            var end = start
            var hasCharacter = false
            while end < text.count, let next = model.trie.child(of: node, text[end]) {
                node = next
                end += 1
                guard let piece = model.trie.piece(at: node) else { continue }
                let score = before + Double(model.scores[Int(piece)])
                if score > ways[end].score { ways[end] = Way(score: score, start: start, piece: piece) }
                if end == start + character { hasCharacter = true }
            }
            let next = min(start + character, text.count)
            if !hasCharacter, before + unknownScore > ways[next].score {
                ways[next] = Way(score: before + unknownScore, start: start)
            }
            start = next
        }
        var pieces: [Int32] = []
        var place = text.count
        while place > 0 {
            pieces.append(ways[place].piece)
            place = ways[place].start
        }
        return pieces.reversed()
    }
}
