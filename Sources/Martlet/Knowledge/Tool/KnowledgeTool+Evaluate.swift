import Foundation
import MartletKnowledge
import MartletLogic
import MartletWire

// How well a base's passages answer questions whose answers are known.
extension KnowledgeTool {
    private static let depths = [1, 3, 5, 10, 20, 50, 100]

    /// - Parameters:
    ///   - file: Of lines of JSON; see `QuestionSet`.
    ///   - limit: Passages of each question.
    ///   - showsMisses: Whether questions are told that nothing found answers.
    package func evaluate(_ base: String, file: String, limit: Int, showsMisses: Bool) async throws {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw KnowledgeError(.unreadable, "\(file) cannot be read.")
        }
        let set: QuestionSet
        do {
            set = try QuestionSet(lines: String(decoding: data, as: UTF8.self))
        } catch {
            throw KnowledgeError(.invalid, "\(file): \(error.message)")
        }
        try await mustHave(base)
        var judged: [KnowledgeEvaluation.Judged<QuestionSet.Found>] = []
        for item in set.items {
            output.pass("\(judged.count + 1)/\(set.items.count)")
            let found = try await desk.search(RetrievalQuery(text: item.question, limit: limit), in: [base])
            let one = QuestionSet.judged(item, found)
            if showsMisses, !one.ranked.contains(.wanted) {
                output.remark("missed: \(TerminalText.oneLine(item.question)) (\(printable(item.document)))")
            }
            judged.append(one)
        }
        output.pass("")
        let depths = Self.depths.filter { $0 < limit } + [limit]
        let figures = depths.map { KnowledgeEvaluation(judged, depth: $0) }
        output.line(isJSON ? Self.json(figures).text : Self.table(figures).joined(separator: "\n"))
    }

    /// A row for each depth.
    static func table(_ figures: [KnowledgeEvaluation]) -> [String] {
        let rows = figures.map { figure in
            ["\(figure.depth)"]
                + [figure.recall, figure.reciprocalRank, figure.discountedGain].map(PassageText.figure)
        }
        let columns = [["k", "recall@k", "MRR@k", "nDCG@k"]] + rows
        return columns.map { row in
            row.enumerated().map { index, word in
                String(repeating: " ", count: max(0, (index == 0 ? 4 : 10) - word.count)) + word
            }.joined()
        } + ["\(figures.first?.questions ?? 0) questions"]
    }

    private static func json(_ figures: [KnowledgeEvaluation]) -> JSON {
        [
            "questions": .integer(Int64(figures.first?.questions ?? 0)),
            "at": .array(
                figures.map {
                    [
                        "k": .integer(Int64($0.depth)), "recall": .number($0.recall), "mrr": .number($0.reciprocalRank),
                        "ndcg": .number($0.discountedGain),
                    ]
                }),
        ]
    }
}
