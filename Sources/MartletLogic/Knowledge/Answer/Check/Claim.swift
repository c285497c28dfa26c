/// A sentence of an answer, taken apart.
struct Claim {
    let text: FoldedText
    let terms: Set<UInt64>
    let details: [Detail]
    let polarity: Polarity
    /// From 0; nil: it names none that there is.
    let sources: Set<Int>?
    let unknownSources: [Int]
    /// False: it heads what follows.
    let needsSupport: Bool

    /// False: nothing in it could be right or wrong.
    var saysSomething: Bool { !details.isEmpty || terms.count >= 2 && needsSupport }

    /// - Parameter count: How many sources there are.
    init(_ sentence: Sentence, of answer: FoldedText, sources count: Int) {
        var text = answer
        var named = Set<Int>()
        var unknown: [Int] = []
        // Brackets with numbers are code's own.
        for mark in sentence.kind == .code ? [] : CitationMark.all(in: answer, sentence.range) {
            text.blank(mark.range)
            for number in mark.sources {
                if 1...max(count, 1) ~= number, count > 0 { named.insert(number - 1) } else { unknown.append(number) }
            }
        }
        for phrase in Self.framing {
            let last = sentence.range.upperBound - phrase.count
            for start in sentence.range where start <= last && text.has(phrase, at: start) {
                text.blank(start..<start + phrase.count)
            }
        }
        details = DetailReader.read(text, in: sentence.range)
        polarity = Polarity(text, in: sentence.range)
        self.text = text
        for detail in details { text.blank(detail.range) }
        terms = Set(TermReader.read(text, in: sentence.range).map(\.key))
        sources = named.isEmpty ? nil : named
        unknownSources = unknown
        // Longer than this it is a sentence, whatever sign ends it.
        let heads = sentence.kind == .heading || Self.saysNothing(text, sentence.range)
        needsSupport = !heads || terms.count > 12
    }

    /// "The sources do not say …": nothing in them bears that out, and nothing could.
    private static func saysNothing(_ text: FoldedText, _ range: Range<Int>) -> Bool {
        func has(_ words: [[Unicode.Scalar]]) -> Bool {
            words.contains { word in range.contains { text.has(word, at: $0) && $0 + word.count <= range.upperBound } }
        }
        return has(places) && has(silences) || has(courtesies)
    }

    private static let framing = [
        "根据提供的资料", "根据所提供的资料", "根据知识库", "根据资料", "根据来源", "根据文档", "根据规定", "综上所述", "总之", "因此", "所以", "此外",
        "另外", "具体来说", "具体如下", "according to the provided sources", "according to the sources",
        "according to the source",
        "according to the provided documents", "according to the documents", "based on the sources",
        "based on the provided sources", "based on the provided documents", "in summary", "in short", "in addition",
        "for example", "according to", "based on",
    ].map(\.scalarArray).sorted { $0.count > $1.count }

    private static let places = [
        "资料", "来源", "文档", "知识库", "上下文", "source", "document", "context", "knowledge base",
        "material",
    ].map(\.scalarArray)
    private static let silences = [
        "没有提", "未提", "没有说", "未说", "没有相关", "没有找到", "未找到", "没有包含", "不包含", "未包含", "未涉及", "没有涉及", "未明确",
        "没有明确", "not mention", "not say", "not state", "not specif", "not contain", "not include", "not cover",
        "not provide",
        "n't mention", "n't say", "n't contain", "n't specif", "n't include", "n't provide", "no information",
        "no mention",
    ].map(\.scalarArray)
    private static let courtesies = [
        "希望对您有帮助", "希望对你有帮助", "希望以上", "如有疑问", "如有其他问题", "如需了解更多", "不客气", "you are welcome", "you're welcome",
        "hope this helps", "let me know if", "feel free to", "happy to help",
    ].map(\.scalarArray)
}
