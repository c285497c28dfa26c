import MartletBase
import MartletLogic
import MartletNet

/// A chunk that was found.
struct SearchHit: Sendable {
    var chunk: Int64
    /// Of its document.
    var metadata: [String: MetadataValue]
    var score: Double
    var why: Passage.Why
}

/// Answers several questions at a time from one snapshot. It keeps its working memory: one for each thread.
struct Searcher {
    private let fusion: Fusion
    private let meter: KnowledgeMeter?
    private var scan = VectorScan()
    private var sums: [Float] = []

    /// - Parameter meter: Counts how long each arm takes; nil: nobody does.
    init(_ fusion: Fusion, _ meter: KnowledgeMeter? = nil) { (self.fusion, self.meter) = (fusion, meter) }

    /// - Parameters:
    ///   - questions: Their vectors have the dimensions of the snapshot's.
    ///   - terms: At most so many of a question's are asked.
    ///   - corpus: What the snapshot is a part of; nil: it is all there is.
    mutating func answer(
        _ questions: [RetrievalQuery], in snapshot: IndexSnapshot, terms: Int = WordQuery.mostTerms,
        corpus: WordCorpus? = nil
    ) -> [[SearchHit]] {
        let all = snapshot.segments.map(\.live)
        let admitted = questions.map { question in
            question.filter.map { filter in snapshot.segments.map { $0.admitted(filter) } }
        }
        let found = near(questions, admitted: admitted.map { $0 ?? all }, snapshot)
        let words = snapshot.segments.map(\.words)
        return questions.indices.map { index in
            let question = questions[index]
            let begin = Instant.current
            let query = WordQuery(question.text, atMost: terms)
            let scorer = WordScorer(query, in: words, fusion.bm25, corpus: corpus)
            let said = scorer.isSilent
                ? [] : scorer.best(depth(question), admitted: admitted[index], scratch: &sums)
            meter?.searched(.words, since: begin)
            return fused(question, scorer, said: said, meant: found[index], snapshot)
        }
    }

    private func depth(_ question: RetrievalQuery) -> Int { max(fusion.depth, question.limit) }

    /// The nearest rows to each question that has a vector.
    private mutating func near(
        _ questions: [RetrievalQuery], admitted: [[RowSet]], _ snapshot: IndexSnapshot
    ) -> [[Best.Row]] {
        var found = questions.map { _ in [Best.Row]() }
        let asked = questions.indices.filter { questions[$0].vector != nil }
        let vectors = snapshot.segments.map(\.segment.vectors)
        var start = 0
        while start < asked.count {
            let end = min(start + VectorKernels.mostQueries, asked.count)
            let begin = Instant.current
            let batch = asked[start..<end].map { index in
                VectorQuestion(
                    questions[index].vector ?? [], count: depth(questions[index]), admitted: admitted[index])
            }
            for (index, rows) in zip(asked[start..<end], scan.best(batch, in: vectors)) { found[index] = rows }
            meter?.searched(.vectors, since: begin, questions: end - start)
            start = end
        }
        return found
    }

    /// One list of both: what only one arm found, the other one is asked about.
    private func fused(
        _ question: RetrievalQuery, _ scorer: WordScorer, said: [Best.Row], meant: [Best.Row], _ snapshot: IndexSnapshot
    ) -> [SearchHit] {
        struct Candidate: Hashable {
            var segment: Int
            var row: Int
        }
        var candidates: [Candidate: Passage.Why] = [:]
        for (rank, row) in said.enumerated() {
            let why = Passage.Why(wordRank: rank + 1, wordScore: Double(row.score))
            candidates[Candidate(segment: row.segment, row: row.row)] = why
        }
        for (rank, row) in meant.enumerated() {
            let place = Candidate(segment: row.segment, row: row.row)
            candidates[place, default: Passage.Why()].vectorRank = rank + 1
            candidates[place, default: Passage.Why()].cosine = Double(row.score)
        }
        let ideal = scorer.isSilent ? 0 : scorer.ideal
        let vectorWeight = fusion.vectorWeight(hasVector: question.vector != nil, ideal: ideal)
        var hits = candidates.map { place, why -> (place: Candidate, hit: SearchHit) in
            var why = why
            let segment = snapshot.segments[place.segment].segment
            if why.wordScore == nil, !scorer.isSilent {
                let score = scorer.score(segment: place.segment, row: place.row)
                if score > 0 { why.wordScore = Double(score) }
            }
            if why.cosine == nil, let vector = question.vector {
                why.cosine = Double(segment.vectors.dot(place.row, vector.span))
            }
            why.nearness = why.cosine.map { Fusion.nearness(cosine: $0, unrelated: question.unrelated) }
            why.vectorWeight = vectorWeight
            let score = fusion.score(nearness: why.nearness, words: why.wordScore ?? 0, ideal: ideal)
            let hit = SearchHit(chunk: segment.chunks[place.row], metadata: [:], score: score, why: why)
            return (place, hit)
        }
        hits.removeAll { hit in
            // The same text as the question's has a cosine a little beside 1.
            let isFar = question.minimumCosine.map { (hit.hit.why.cosine ?? 1) < $0 - 1e-5 } ?? false
            return isFar || hit.hit.score < question.minimumScore
        }
        // Of equal ones the older comes first, so that the same question has the same answer.
        hits.sort { ($1.hit.score, $0.hit.chunk) < ($0.hit.score, $1.hit.chunk) }
        return hits.prefix(max(0, question.limit)).map { place, hit in
            var hit = hit
            hit.metadata = snapshot.segments[place.segment].segment.document(ofRow: place.row).metadata
            hit.why.matched = scorer.matched(segment: place.segment, row: place.row)
            return hit
        }
    }
}
