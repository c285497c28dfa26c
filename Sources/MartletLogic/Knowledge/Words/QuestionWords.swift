/// What of a question is about its subject: words that only ask stand in many texts and say nothing of them.
enum QuestionWords {
    private static let english: Set<String> = [
        "a", "about", "an", "and", "are", "be", "can", "do", "does", "for", "from", "has", "have", "how", "i", "if",
        "in", "is", "it", "me", "my", "not", "of", "on", "or", "should", "that", "the", "there", "this", "to", "was",
        "we", "what", "when", "where", "which", "who", "why", "will", "with", "you", "your",
    ]
    /// The longer first: they are looked for in this order.
    private static let chinese = scalars([
        "怎么样", "为什么", "有没有", "是不是", "能不能", "什么", "怎样", "怎么", "如何", "为何", "哪些", "哪里", "哪个",
        "是否", "可以", "能否", "能够", "应该", "我们", "请问", "这些", "这个", "那个", "一个", "一些", "以及", "或者",
        "多少", "几个", "吗", "呢", "吧", "的", "了",
    ])
    /// Words that are none of those, though they hold one.
    private static let kept = scalars(["目的", "标的", "的确", "了解", "了结", "明了", "酒吧", "网吧", "吧台"])

    private static func scalars(_ words: [String]) -> [[Unicode.Scalar]] { words.map { Array($0.unicodeScalars) } }

    /// The question without them; as it is, where nothing would be left.
    static func of(_ question: String) -> String {
        let rest = withoutEnglish(withoutChinese(question))
        return rest.contains { $0.isLetter || $0.isNumber } ? rest : question
    }

    private static func withoutChinese(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        guard scalars.contains(where: { $0.value > 0x2e80 }) else { return text }
        var rest = String.UnicodeScalarView()
        var place = 0
        while place < scalars.count {
            let here = scalars[place...]
            if let word = kept.first(where: { here.starts(with: $0) }) {
                rest.append(contentsOf: word)
                place += word.count
            } else if let word = chinese.first(where: { here.starts(with: $0) }) {
                // What stood on both sides is no word together.
                rest.append(" ")
                place += word.count
            } else {
                rest.append(scalars[place])
                place += 1
            }
        }
        return String(rest)
    }

    private static func withoutEnglish(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).filter { word in
            let start = word.drop { !$0.isLetter && !$0.isNumber }
            let end = start.lastIndex { $0.isLetter || $0.isNumber }
            return !english.contains((end.map { start[...$0] } ?? start).lowercased())
        }.joined(separator: " ")
    }
}
