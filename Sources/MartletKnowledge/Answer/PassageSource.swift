package import MartletLogic

/// Where answers come from: the bases, as far as questions need them.
///
/// All throw `KnowledgeError` or `CancellationError`.
package protocol PassageSource: Sendable {
    /// The question's vector for these bases: asked for once for each question. nil: they are searched by words alone.
    func vector(of question: String, for bases: [String]) async throws -> [Float]?
    /// The best first, at most as many as the query's limit.
    func search(_ query: RetrievalQuery, in bases: [String]) async throws -> [Passage]
    /// Parts of a document's text, by ranges of Unicode scalars.
    func excerpts(of document: DocumentVersion, at ranges: [Range<Int>]) async throws -> DocumentExcerpts
    /// What readers see now: a search that begins after this sees these epochs, or later ones.
    func epochs(of bases: [String]) async throws -> [String: Int]
}
