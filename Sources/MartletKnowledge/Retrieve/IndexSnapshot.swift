import MartletLogic
import MartletStore

/// A base as searches see it, at one epoch. A change makes another one: who holds this one is not disturbed.
struct IndexSnapshot: Sendable {
    /// Of the base: a change that is seen here has been durable before.
    private(set) var epoch: Int
    /// Whose vectors they are.
    let space: SpaceRecord
    private(set) var segments: [LiveSegment] = []

    init(epoch: Int, space: SpaceRecord, segments: [IndexSegment] = []) {
        self.epoch = epoch
        self.space = space
        self.segments = segments.filter { !$0.chunks.isEmpty }.map { LiveSegment($0) }
    }

    /// Chunks that are searched.
    var chunks: Int { segments.reduce(0) { $0 + $1.live.count } }

    /// In bytes.
    var size: Int { segments.reduce(0) { $0 + $1.segment.vectors.size + $1.segment.words.size } }

    /// In one step: documents that go, and those that come.
    mutating func change(to epoch: Int, removing documents: [Int64], adding new: [IndexSegment]) {
        self.epoch = epoch
        for index in segments.indices { for document in documents { segments[index].remove(document) } }
        segments.removeAll { $0.live.count == 0 }
        segments += new.map { LiveSegment($0) }
    }

    /// Whether a question can be asked here: the model of a base may have changed since it was embedded.
    func check(_ query: RetrievalQuery, model: EmbeddingModel?, base: String) throws(KnowledgeError) {
        let own = EmbeddingModel(space)
        if let model, model != own { throw KnowledgeError(wrong: model, for: own, of: base) }
        guard query.vector.map({ $0.count == space.dimensions }) ?? true else {
            throw KnowledgeError(
                .wrongModel,
                "The question's vector is not of the \(space.dimensions) numbers that those of \(base) have.")
        }
    }

    /// The segments that are to be joined next; nil: it is good as it is.
    var nextMerge: [LiveSegment]? {
        SegmentMerges.next(segments.map { ($0.segment.chunks.count, $0.live.count) }).map { $0.map { segments[$0] } }
    }

    /// Puts one segment in the place of those that it was made of. What has gone from them meanwhile is gone from it.
    mutating func replace(_ parts: [LiveSegment], by joined: IndexSegment) {
        let current = parts.compactMap { part in segments.first { $0.segment === part.segment } }
        // Another change of everything came in between.
        guard current.count == parts.count else { return }
        var joined = LiveSegment(joined)
        for (before, now) in zip(parts, current) where now.live != before.live {
            for document in before.segment.documents where before.holds(document) && !now.holds(document) {
                joined.remove(document.number)
            }
        }
        segments.removeAll { segment in parts.contains { $0.segment === segment.segment } }
        if joined.live.count > 0 { segments.append(joined) }
    }
}
