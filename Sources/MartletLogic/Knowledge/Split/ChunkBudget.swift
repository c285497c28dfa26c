/// A document that would become more than anybody could look through or keep: a mistake or an attack.
public enum ChunkExcess: Error, Sendable, Equatable {
    /// Sentences, lines or rows, of which chunks are put together.
    case pieces
    case chunks
    /// So much of the text would be in several chunks.
    case repetition
}

/// What the chunks of a document may come to, counted before they are made.
public struct ChunkBudget: Sendable {
    public static let mostChunks = 1_000_000
    /// Books of a thousand volumes have fewer.
    public static let mostPieces = 8_000_000
    /// A short text may be repeated as its sender likes, a long one once altogether.
    private static let freeCharacters = 16 << 20

    private var chunks = 0
    private var characters = 0
    private let mostCharacters: Int

    /// - Parameter characters: Of the document's text.
    init(characters: Int) {
        mostCharacters = 2 * characters + Self.freeCharacters
    }

    /// Counts a chunk of so many characters.
    mutating func take(_ length: Int) throws(ChunkExcess) {
        chunks += 1
        characters += length
        guard chunks <= Self.mostChunks else { throw .chunks }
        guard characters <= mostCharacters else { throw .repetition }
    }

    static func check(pieces: Int) throws(ChunkExcess) {
        guard pieces <= mostPieces else { throw .pieces }
    }
}
