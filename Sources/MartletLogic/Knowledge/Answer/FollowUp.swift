/// Questions that lean on what was said before, made to stand alone: only then can they be searched for.
public enum FollowUp {
    /// Whether the question needs what was said before: it points back, is a fragment, or goes on.
    public static func leans(_ question: String, on history: [PromptMessage]) -> Bool {
        guard history.contains(where: { $0.role == .user }) else { return false }
        let text = FoldedText(question)
        let words = TermReader.read(text, in: 0..<text.count)
        if words.count <= 1 { return true }
        switch AnswerLanguage(of: question) {
        case .chinese:
            let pointsBack = pointers.contains { word in text.scalars.indices.contains { text.has(word, at: $0) } }
            if pointsBack { return true }
            if beginnings.contains(where: { text.has($0, at: 0) }) { return true }
            // 病假呢？
            return text.count <= 10 && text.scalars.contains("呢")
        case .english:
            let asked = question.lowercased().split { !$0.isLetter && $0 != "'" }.map(String.init)
            if asked.contains(where: englishPointers.contains) { return true }
            return englishBeginnings.contains { asked.starts(with: $0) }
        }
    }

    /// Without a model: what was asked before comes along, so that its words are searched for as well.
    ///
    /// - Returns: the question as it is where it stands alone.
    public static func rewritten(_ question: String, after history: [PromptMessage]) -> String {
        guard leans(question, on: history), let before = subject(history) else { return question }
        return "\(TokenEstimate.prefix(of: before, tokens: 64)) \(question)"
    }

    /// The last question that stood alone: 那病假呢 leans on what 年假有几天 was about, also three turns later.
    private static func subject(_ history: [PromptMessage]) -> String? {
        let asked = history.indices.filter { history[$0].role == .user }
        let alone = asked.last { !leans(history[$0].text, on: Array(history[..<$0])) }
        return (alone ?? asked.last).map { history[$0].text }
    }

    /// What a model is asked to rewrite the question: one small call.
    public static func prompt(_ question: String, after history: [PromptMessage]) -> [PromptMessage] {
        let said = history.filter { $0.role != .system }.suffix(4).map {
            "\($0.role.rawValue): \(TokenEstimate.prefix(of: $0.text, tokens: 200))"
        }
        let rule =
            switch AnswerLanguage(of: question) {
            case .chinese: "把最后一个问题改写成一个不依赖上文的完整问题。只输出改写后的问题，不要回答。"
            case .english:
                "Rewrite the last question so that it stands alone. Output the rewritten question only; do not answer."
            }
        return [
            PromptMessage(.system, rule),
            PromptMessage(.user, (said + ["user: \(question)"]).joined(separator: "\n")),
        ]
    }

    /// What the model made of it; nil: nothing that is a question of this length.
    public static func accepted(_ rewritten: String, for question: String) -> String? {
        let line = rewritten.split(whereSeparator: \.isNewline).first.map { $0.drop { $0.isWhitespace } }
        let limit = 2 * TokenEstimate.tokens(question) + 64
        guard let line, !line.isEmpty, TokenEstimate.tokens(line) <= limit else { return nil }
        return String(line)
    }

    private static let pointers = [
        "它", "他", "她", "这个", "那个", "这些", "那些", "该", "上述", "上面", "前面", "刚才", "此项", "其中", "前者", "后者", "这种", "那种",
    ].map(\.scalarArray)
    private static let beginnings = ["那", "还有", "另外", "如果是", "换成", "为什么呢", "具体", "然后", "继续"].map(\.scalarArray)
    private static let englishPointers: Set<String> = [
        "it", "its", "they", "them", "their", "this", "that", "these", "those", "he", "she", "him", "her", "former",
        "latter",
    ]
    private static let englishBeginnings = [
        ["and"], ["what", "about"], ["how", "about"], ["then"], ["also"], ["why"], ["but"],
    ]
}
