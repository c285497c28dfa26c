import Foundation
import MartletKnowledge
import MartletLogic
import MartletWire

/// Questions, each with the document that answers it: lines of JSON, `{"question", "document"[, "text"]}`.
struct QuestionSet: Sendable, Equatable {
    struct Item: Sendable, Equatable {
        var question: String
        var document: String
        /// What a passage must have beside being of the document, whatever its blanks are; nil: nothing.
        var text: String?

        func fits(_ passage: Passage) -> Bool {
            guard passage.document.name == document else { return false }
            return text.map { Self.dense(passage.chunk.text).contains(Self.dense($0)) } ?? true
        }

        private static func dense(_ text: String) -> String { text.filter { !$0.isWhitespace } }
    }

    /// A passage among those that were found.
    enum Found: Hashable, Sendable {
        case wanted, other(ChunkID)
    }

    private(set) var items: [Item] = []

    /// Empty lines are left out.
    ///
    /// - Throws: `invalid`: says which line is not as it must be; there are none.
    init(lines text: String) throws(KnowledgeError) {
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard !line.allSatisfy(\.isWhitespace) else { continue }
            let json = try? JSON.parse(line.utf8)
            guard case .string(let question)? = json?["question"],
                case .string(let document)? = json?["document"] else {
                throw KnowledgeError(.invalid, "Line \(number + 1) has no `question` and `document`.")
            }
            var item = Item(question: question, document: document)
            if case .string(let text)? = json?["text"], !text.isEmpty { item.text = text }
            items.append(item)
        }
        guard !items.isEmpty else { throw KnowledgeError(.invalid, "There are no questions.") }
    }

    /// How far down a passage that answers was found: by that a set is judged.
    static func judged(_ item: Item, _ passages: [Passage]) -> KnowledgeEvaluation.Judged<Found> {
        let ranked = passages.map { item.fits($0) ? Found.wanted : .other($0.id) }
        return KnowledgeEvaluation.Judged(ranked: ranked, gold: Set([Found.wanted]))
    }
}
