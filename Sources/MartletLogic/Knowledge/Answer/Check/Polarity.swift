/// What a text affirms and what it denies, as far as words next to a negation tell.
///
/// 不能享受 denies 享受, "may not carry over" denies "carry". Two texts contradict each other where one only denies what the
/// other only affirms.
struct Polarity: Sendable, Equatable {
    private(set) var denied: Set<UInt64> = []
    private(set) var affirmed: Set<UInt64> = []

    init(_ text: FoldedText, in range: Range<Int>) {
        var targets = Set<Int>()
        var index = range.lowerBound
        while index < range.upperBound {
            if let (target, next) = Self.target(text, of: index, in: range) {
                if let target { targets.insert(target) }
                index = next
            } else {
                index += 1
            }
        }
        let terms = TermReader.read(text, in: range)
        for (index, term) in terms.enumerated() {
            // The word, and the word with what follows it: 使用 may be both denied and affirmed, 使用公共 is not.
            let isDense = text[term.start]?.isDense == true
            let next = terms.dropFirst(index + 1).first { !isDense || $0.start == term.start + 2 }
            let keys = [term.key] + (next.map { [term.key &* 31 &+ $0.key] } ?? [])
            if targets.contains(term.start) { denied.formUnion(keys) } else { affirmed.formUnion(keys) }
        }
    }

    func contradicts(_ other: Polarity) -> Bool {
        !denied.isDisjoint(with: other.affirmed.subtracting(other.denied).subtracting(affirmed))
            || !other.denied.isDisjoint(with: affirmed.subtracting(denied).subtracting(other.affirmed))
    }

    /// Where the word begins that a negation at `index` denies, and where to read on; nil: there is no negation.
    private static func target(_ text: FoldedText, of index: Int, in range: Range<Int>) -> (Int?, Int)? {
        guard let scalar = text[index] else { return nil }
        if scalar.isHan {
            // 不仅, 无论, 非常: no negation.
            if let word = harmless.first(where: { text.has($0, at: index) }) { return (nil, index + word.count) }
            guard let word = negations.first(where: { text.has($0, at: index) }) else { return nil }
            return (chineseTarget(text, from: index + word.count, in: range), index + word.count)
        }
        guard scalar.isLatin, index == range.lowerBound || text[index - 1]?.isLatinOrDigit != true else { return nil }
        let word = latinWord(text, at: index, in: range)
        guard !word.isEmpty else { return nil }
        let end = index + word.count
        let isShort = word.suffix(3).elementsEqual("n't".unicodeScalars)
        guard isShort || englishNegations.contains(String(String.UnicodeScalarView(word))) else { return (nil, end) }
        var next = end
        while next < range.upperBound, text.scalars[next] == " " { next += 1 }
        let following = String(String.UnicodeScalarView(latinWord(text, at: next, in: range)))
        if following == "only" || following == "just" { return (nil, end) }
        return (englishTarget(text, from: end, in: range), end)
    }

    private static func chineseTarget(_ text: FoldedText, from start: Int, in range: Range<Int>) -> Int? {
        var index = start
        for _ in 0..<3 {
            guard let word = auxiliaries.first(where: { text.has($0, at: index) }) else { break }
            index += word.count
        }
        return index < range.upperBound && text.scalars[index].isDense ? index : nil
    }

    private static func englishTarget(_ text: FoldedText, from start: Int, in range: Range<Int>) -> Int? {
        var index = start
        while index < range.upperBound, index - start < 40 {
            if ".,;:!?()".unicodeScalars.contains(text.scalars[index]) { return nil }
            let word = latinWord(text, at: index, in: range)
            if word.isEmpty {
                index += 1
            } else if TermReader.key(ofWord: word) != nil {
                return index
            } else {
                index += word.count
            }
        }
        return nil
    }

    private static func latinWord(
        _ text: FoldedText, at start: Int, in range: Range<Int>
    ) -> ArraySlice<Unicode.Scalar> {
        var end = start
        while end < range.upperBound, text.scalars[end].isLetter || end > start && text.scalars[end] == "'" { end += 1 }
        return text.scalars[start..<max(start, end)]
    }

    private static let harmless = [
        "不仅", "不但", "不过", "不同", "不断", "不管", "不论", "不少", "不妨", "不久", "不然", "不如", "不止", "不只", "不单", "无论",
        "无线", "无锡", "非常", "非洲", "未来", "别人", "别名", "分别", "特别", "类别", "级别", "区别", "性别", "个别", "识别", "鉴别", "差别",
        "没关系", "是不是", "能不能", "可不可以", "有没有", "否则", "是否", "能否", "可否", "除非",
    ].map(\.scalarArray)

    private static let negations = [
        "不得", "不能", "不能够", "不可", "不可以", "不会", "不予", "不必", "不用", "不需", "不", "没有", "没", "无法", "无需", "无须", "无权", "无", "未经",
        "未", "非", "严禁", "禁止", "请勿", "切勿", "勿", "别", "拒绝", "不允许", "不准", "免于",
    ].map(\.scalarArray).sorted { $0.count > $1.count }

    private static let auxiliaries = [
        "可以", "能够", "需要", "必须", "应当", "应该", "允许", "能", "得", "可", "会", "应", "须", "需", "要", "准", "许", "是", "有",
        "被", "再", "予", "予以", "为", "在", "将", "经", "进行", "给予", "给",
    ].map(\.scalarArray).sorted { $0.count > $1.count }

    private static let englishNegations: Set<String> = [
        "not", "no", "never", "cannot", "without", "neither", "nor", "none",
    ]
}
