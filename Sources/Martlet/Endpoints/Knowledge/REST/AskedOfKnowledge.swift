import MartletKnowledge
import MartletLogic
import MartletWire

/// What a request to Martlet's own paths looks for.
struct AskedOfKnowledge: Sendable {
    private static let mostBases = 32
    private static let mostPassages = 200
    private static let mostTurns = 200

    var text: String
    var bases: [String]
    var limit: Int
    var minimumScore: Double
    var filter: DocumentFilter?

    /// - Parameters:
    ///   - text: The name of the field that asks.
    ///   - base: Of the path; `bases` of the body are looked at as well.
    init(_ fields: RequestFields, text: String, base: String) throws(FieldFlaw) {
        self.text = try fields.required(text)
        guard !self.text.isEmpty else {
            throw FieldFlaw(field: text, kind: .range, message: "`\(text)` says nothing.")
        }
        bases = [base]
        for other in try fields.texts("bases", atMost: Self.mostBases) ?? [] where !bases.contains(other) {
            bases.append(other)
        }
        limit = try fields.count("limit", in: 1...Self.mostPassages) ?? 3
        minimumScore = try fields.number("minimum_score", in: 0...1) ?? 0
        filter = try fields["filter"].map { value throws(FieldFlaw) in try FilterReader.openAI(value, field: "filter") }
    }

    func question(_ fields: RequestFields) throws(FieldFlaw) -> Question {
        var question = Question(text, bases: bases)
        (question.limit, question.minimumScore, question.filter) = (limit, minimumScore, filter)
        question.history = (try fields.list("history") ?? []).suffix(Self.mostTurns).compactMap(ChatText.turn)
        question.session = try fields.text("session")
        question.model = try fields.text("model")
        question.temperature = try fields.number("temperature", in: 0...2)
        question.maximumTokens = try fields.count("max_tokens", in: 1...Int(Int32.max))
        question.isFresh = try fields.flag("fresh") ?? false
        return question
    }
}
