import MartletKnowledge
import MartletLogic
import MartletWire

// Questions to a base.
extension KnowledgeTool {
    /// - Parameters:
    ///   - limit: Of passages.
    ///   - model: By its name in the configuration; nil: the default one; "": none.
    package func ask(_ text: String, of base: String, limit: Int, model: String?, isFresh: Bool) async throws {
        var question = Question(text, bases: [base])
        (question.limit, question.model, question.isFresh) = (limit, model, isFresh)
        let begun = try await BegunReply(question, of: desk)
        guard !isJSON else {
            return output.line(JSON(try await WholeReply(begun)).text)
        }
        var (answer, citations, end) = ("", [CheckedSentence](), AnswerEnd?.none)
        try await begun.follow { event in
            switch event {
            case .sources, .reasoning: break
            case .text(let piece):
                answer += piece
                output.say(TerminalText.safe(piece))
            case .citations(let sentences): citations = sentences
            case .end(let told): end = told
            }
        }
        let told = AnswerText(answer: answer, sources: begun.sources, citations: citations, end: end)
        output.line((answer.hasSuffix("\n") || answer.isEmpty ? "" : "\n") + told.closing.joined(separator: "\n"))
    }

    package func search(_ text: String, in base: String, limit: Int) async throws {
        let passages = try await desk.search(RetrievalQuery(text: text, limit: limit), in: [base])
        guard !isJSON else {
            return output.line(JSON.object(["passages": .array(passages.map { JSON($0) })]).text)
        }
        guard !passages.isEmpty else { return output.line("none") }
        for (index, passage) in passages.enumerated() {
            for line in PassageText(passage).lines(number: index + 1) { output.line(line) }
        }
    }
}
