import MartletKnowledge
import MartletLogic

/// An answer whose sources are known: until then what goes wrong is an answer of its own, with a status.
struct BegunReply: Sendable {
    let sources: [Passage]
    private let events: AsyncThrowingStream<AnswerEvent, any Error>
    /// What came in place of sources.
    private let first: AnswerEvent?

    /// Asks.
    ///
    /// - Throws: `KnowledgeError`, `CancellationError`.
    init(_ question: Question, of desk: any KnowledgeDesk) async throws {
        events = desk.answer(question)
        var iterator = events.makeAsyncIterator()
        let event = try await iterator.next()
        try Task.checkCancellation()
        if case .sources(let passages)? = event {
            (sources, first) = (passages, nil)
        } else {
            (sources, first) = ([], event)
        }
    }

    /// What follows the sources. The desk hears of it when the reader is cancelled.
    func follow(_ take: (AnswerEvent) async throws -> Void) async throws {
        if let first { try await take(first) }
        for try await event in events { try await take(event) }
        // A stream whose reader is cancelled merely ends.
        try Task.checkCancellation()
    }
}

/// An answer as a whole.
struct WholeReply: Sendable {
    let sources: [Passage]
    var text = ""
    var reasoning = ""
    var citations: [CheckedSentence] = []
    var end = AnswerEnd(kind: .answered)

    init(_ begun: BegunReply) async throws {
        sources = begun.sources
        var whole = (text: "", reasoning: "", citations: [CheckedSentence](), end: AnswerEnd(kind: .answered))
        try await begun.follow { event in
            switch event {
            case .sources: break
            case .reasoning(let piece): whole.reasoning += piece
            case .text(let piece): whole.text += piece
            case .citations(let sentences): whole.citations = sentences
            case .end(let end): whole.end = end
            }
        }
        (text, reasoning, citations, end) = whole
    }
}
