package import MartletLogic

/// Orders passages by how near an embedding of their sentences is to the question: better than one vector for a whole
/// passage, and too slow for all of a base.
package struct SentenceReranker: Reranker {
    private let embedder: any Embedder

    package init(_ embedder: any Embedder) { self.embedder = embedder }

    package func scores(of passages: [Passage], for question: String) async throws -> [Double] {
        guard !passages.isEmpty, let asked = try await embedder.embed([question], as: .query).first else { return [] }
        let windows = passages.map { PassageWindows.of($0) }
        var vectors = try await embedder.embed(windows.flatMap { $0 }, as: .passage)[...]
        return zip(passages, windows).map { passage, windows in
            defer { vectors = vectors.dropFirst(windows.count) }
            return NearnessScore.score(passage, windows: vectors.prefix(windows.count).map { Vectors.dot(asked, $0) })
        }
    }
}
