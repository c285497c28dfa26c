import MartletKnowledge
import MartletLogic

/// Chinese texts whose words are spread as in any language, and vectors in clusters: the same ones each time.
struct Corpus {
    static let model = EmbeddingModel(name: "bench", version: "1", dimensions: 512)
    private static let clusters = 200
    /// Characters of a chunk.
    private static let length = 650

    private let words: [String]
    /// How likely the words up to each one are.
    private let shares: [Double]
    private let centres: [[Float]]
    private var random = Seeded(1)

    init() {
        var random = Seeded(2)
        words = (0..<30_000).map { _ in
            let length = [1, 2, 2, 2, 3].randomElement(using: &random) ?? 2
            let scalars = (0..<length).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0x4e00..<0x5a00, using: &random))
            }
            return String(String.UnicodeScalarView(scalars))
        }
        var sum = 0.0
        shares = (1...words.count).map { rank in
            sum += 1 / Double(rank + 20)
            return sum
        }
        centres = (0..<Self.clusters).map { _ in Self.unit(Self.noise(&random)) }
    }

    /// About so many characters.
    mutating func text(_ characters: Int) -> String {
        var text = ""
        var count = 0
        while count < characters {
            let word = word()
            text += word
            count += word.unicodeScalars.count
            if count % 17 == 0 { text += "，" }
        }
        return text
    }

    mutating func vector() -> [Float] {
        let centre = centres[Int.random(in: 0..<Self.clusters, using: &random)]
        let noise = Self.noise(&random)
        return Self.unit(zip(centre, noise).map { $0 + 0.06 * $1 })
    }

    mutating func document(_ name: String, chunks: Int) -> PreparedDocument {
        let parts = (0..<chunks).map { index -> PreparedDocument.Part in
            let chunk = Chunk(text: text(Self.length), range: index * Self.length..<(index + 1) * Self.length)
            return PreparedDocument.Part(chunk, key: Self.key(of: index, in: name), vector: vector())
        }
        return PreparedDocument(
            name: name, type: "text/plain", added: 0, hash: "", bytes: 0, text: DocumentText(text: ""), parts: parts)
    }

    /// Of a chunk's vector.
    static func key(of index: Int, in document: String) -> [UInt8] { Array("\(document)/\(index)".utf8) }

    static func key(of passage: Passage) -> [UInt8] {
        key(of: passage.chunk.range.lowerBound / length, in: passage.document.name)
    }

    mutating func question() -> RetrievalQuery {
        RetrievalQuery(text: text(14), vector: vector(), limit: 10)
    }

    private mutating func word() -> String {
        let share = Double.random(in: 0..<(shares.last ?? 1), using: &random)
        var (low, high) = (0, shares.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if shares[middle] < share { low = middle + 1 } else { high = middle }
        }
        return words[low]
    }

    private static func noise(_ random: inout Seeded) -> [Float] {
        (0..<model.dimensions).map { _ in Float.random(in: -1...1, using: &random) }
    }

    private static func unit(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / length }
    }
}

struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 33
    }
}
