import Foundation

/// Reads what a backend answers to `POST /v1/embeddings`.
enum EmbeddingReply {
    private struct Answer: Decodable {
        struct Item: Decodable {
            var index: Int?
            var embedding: Vector
        }

        var data: [Item]
    }

    /// Numbers, or the base64 of little-endian floats.
    private struct Vector: Decodable {
        var values: [Float]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                guard let bytes = Data(base64Encoded: text), bytes.count % 4 == 0 else {
                    throw DecodingError.dataCorruptedError(in: container, debugDescription: "not base64 of floats")
                }
                values = stride(from: 0, to: bytes.count, by: 4).map { start in
                    Float(bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
                }
            } else {
                values = try container.decode([Float].self)
            }
        }
    }

    private struct Failure: Decodable {
        struct Inner: Decodable {
            var message: String
        }

        var error: Inner
    }

    /// The vectors in the order of the texts, of length 1.
    ///
    /// - Parameter dimensions: 0: any, but the same for all.
    static func vectors(_ body: [UInt8], texts: Int, dimensions: Int) throws(KnowledgeError) -> [[Float]] {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else {
            throw KnowledgeError(.unavailable, "The embedding backend's answer cannot be read.")
        }
        var vectors = [[Float]?](repeating: nil, count: texts)
        for (place, item) in answer.data.enumerated() {
            let index = item.index ?? place
            guard vectors.indices.contains(index), vectors[index] == nil else {
                throw KnowledgeError(.unavailable, "The embedding backend's answer has vectors of no text.")
            }
            vectors[index] = try unit(item.embedding.values)
        }
        let all = vectors.compactMap { $0 }
        guard all.count == texts else {
            throw KnowledgeError(.unavailable, "The embedding backend answered \(all.count) vectors to \(texts) texts.")
        }
        let expected = dimensions > 0 ? dimensions : all.first?.count ?? 0
        if let other = all.first(where: { $0.count != expected }) {
            throw KnowledgeError(
                .wrongModel, "The embedding backend's vectors have \(other.count) dimensions, not \(expected).")
        }
        return all
    }

    /// What a status other than 200 means.
    static func failure(status: Int, body: [UInt8]) -> KnowledgeError {
        let said = (try? JSONDecoder().decode(Failure.self, from: Data(body)))?.error.message
        let reason = said.map { ": \($0.prefix(200))" } ?? ""
        let sentence = "The embedding backend answered \(status)\(reason)."
        return switch status {
        case 429, 503: KnowledgeError(.overloaded, sentence)
        case 413: KnowledgeError(.tooLarge, sentence)
        case 400, 422: KnowledgeError(.invalid, sentence)
        default: KnowledgeError(.unavailable, sentence)
        }
    }

    private static func unit(_ values: [Float]) throws(KnowledgeError) -> [Float] {
        let length = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length.isFinite, length > 0 else {
            throw KnowledgeError(.unavailable, "The embedding backend answered a vector without a direction.")
        }
        return values.map { Float(Double($0) / length) }
    }
}
