import Foundation
import MartletKnowledge
import MartletLogic
import MartletWire

/// A reranker of `models`, asked at `/v1/rerank` as Jina's, Cohere's and vLLM's clients do.
struct DispatchedReranker: Reranker {
    private static let path = "/v1/rerank"

    let dispatch: Dispatch
    /// Of `models`.
    let model: String

    func scores(of passages: [Passage], for question: String) async throws -> [Double] {
        guard !passages.isEmpty else { return [] }
        let texts = passages.map { JSON.string(($0.chunk.headings + [$0.chunk.text]).joined(separator: "\n")) }
        let request: JSON = [
            "model": .string(model), "query": .string(question), "documents": .array(texts),
            "top_n": .integer(Int64(passages.count)), "return_documents": false,
        ]
        do {
            return try await dispatch.inNameOfClient.post(Self.path, request) { body in
                try Self.scores(try await ChatModel.whole(body), count: passages.count)
            }
        } catch {
            throw KnowledgeError(ofModel: error) ?? error
        }
    }

    private static func scores(_ answer: JSON, count: Int) throws(KnowledgeError) -> [Double] {
        var scores = [Double](repeating: 0, count: count)
        guard case .array(let results)? = answer["results"] else {
            throw KnowledgeError(.unavailable, "The reranker's answer has no `results`.")
        }
        for result in results {
            guard let place = result["index"]?.count, scores.indices.contains(place),
                let score = result["relevance_score"]?.number
            else { throw KnowledgeError(.unavailable, "The reranker's answer names no passage that was asked.") }
            // Some say how sure they are, some the odds of it as a logarithm.
            scores[place] = 0...1 ~= score ? score : 1 / (1 + exp(-score))
        }
        return scores
    }
}
