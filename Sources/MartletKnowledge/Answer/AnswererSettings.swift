package import MartletLogic

package struct AnswererSettings: Sendable {
    package var budget = AnswerPrompt.Budget()
    package var refusal = AnswerRefusal()
    package var bars = CitationChecker.Bars()
    /// So long a model may take until its first piece; then the passages are the answer.
    package var patience = Duration.seconds(5)
    /// So long it may take to rewrite a question that leans on what was said before; then a rule does it.
    package var rewritePatience = Duration.seconds(3)
    /// Of what a model says and thinks together; an answer that is longer is cut.
    package var maximumBytes = 1 << 20
    /// Of all questions; longer ones are refused as `tooLarge`.
    package var maximumQuestionBytes = Question.longest
    /// The turns of what was said before that count, the latest.
    package var maximumTurns = 40
    /// Of those turns together: older ones do not count.
    package var maximumHistoryBytes = 64 << 10

    package init() {}
}
