package import MartletLogic

/// Where answers come from: the bases, as far as questions need them.
///
/// All throw `KnowledgeError` or `CancellationError`.
package protocol PassageSource: Sendable {
    /// The question's vector for these bases: asked for once for each question. nil: they are searched by words alone.
    func vector(of question: String, for bases: [String]) async throws -> [Float]?
    /// The best first, at most as many as the query's limit.
    func search(_ query: RetrievalQuery, in bases: [String]) async throws -> [Passage]
    /// The same with the vector of the query's text, which it makes; it is told, too. One that cannot be had now is no
    /// reason to find nothing: words are left.
    func find(_ query: RetrievalQuery, in bases: [String]) async throws -> (passages: [Passage], vector: [Float]?)
    /// Parts of a document's text, by ranges of Unicode scalars.
    func excerpts(of document: DocumentVersion, at ranges: [Range<Int>]) async throws -> DocumentExcerpts
    /// What readers see now: a search that begins after this sees these epochs, or later ones.
    func epochs(of bases: [String]) async throws -> [String: Int]
}

extension PassageSource {
    package func find(
        _ query: RetrievalQuery, in bases: [String]
    ) async throws -> (passages: [Passage], vector: [Float]?) {
        var query = query
        query.vector = try await orNothing { try await vector(of: query.text, for: bases) }
        return (try await search(query, in: bases), query.vector)
    }

    /// - Returns: nil: whoever makes vectors does not answer now.
    func orNothing<Value>(_ vector: () async throws -> Value?) async throws -> Value? {
        do {
            return try await vector()
        } catch let error as KnowledgeError where error.code == .unavailable || error.code == .overloaded {
            return nil
        }
    }
}
