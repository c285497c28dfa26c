import MartletBase
import Testing

@testable import MartletLogic

/// A model that takes true sentences and makes them wrong.
struct Adversary {
    enum Lie: CaseIterable { case digit, date, name, negation, source, invention, unit }

    var random: SplitMix64

    /// nil: this sentence offers no such lie.
    mutating func tell(_ lie: Lie) -> String? {
        guard let (text, source) = Handbook.sentences.randomElement(using: &random) else { return nil }
        let mark = Bool.random(using: &random) ? "[\(source)]" : ""
        switch lie {
        case .digit: return changed(text, where: \.isDigit).map { $0 + mark }
        case .date:
            let dates = ["2024年5月1日", "3月31日", "March 15, 2025", "2026-09-30"]
            return replaced(text, dates, date()).map { $0 + mark }
        case .name:
            let names = ["FIN-2024-017", "TR", "EDR-Agent", "HR-2041", "v3.8.2", "v4.0", "finance@example.com",
                "help@example.com"]
            guard let name = names.filter({ text.contains($0) }).randomElement(using: &random),
                let other = changed(name, where: { $0.isLatinOrDigit })
            else { return nil }
            return text.replacing(name, with: other) + mark
        case .negation: return negated(text).map { $0 + mark }
        case .source:
            let wrong = Int.random(in: 1...9, using: &random)
            return wrong == source ? nil : "\(text)[\(wrong)]"
        case .invention: return Handbook.invented.randomElement(using: &random).map { $0 + mark }
        case .unit:
            let pairs = [("天", "个月"), ("小时", "天"), ("分钟", "小时"), ("元", "美元"), (" days", " weeks"), (" hours", " days"),
                (" months", " years"), (" minutes", " hours"), ("%", "元")]
            return replaced(text, pairs).map { $0 + mark }
        }
    }

    private mutating func date() -> String {
        let (month, day) = (Int.random(in: 1...12, using: &random), Int.random(in: 1...28, using: &random))
        return "\(Int.random(in: 2010...2023, using: &random))年\(month)月\(day)日"
    }

    private func replaced(_ text: String, _ old: [String], _ new: String) -> String? {
        old.first { text.contains($0) }.map { text.replacing($0, with: new) }
    }

    /// Behind a digit only: 天 is also part of 当天.
    private mutating func replaced(_ text: String, _ pairs: [(String, String)]) -> String? {
        for (old, new) in pairs.shuffled(using: &random) {
            for digit in 0...9 where text.contains("\(digit)\(old)") {
                return text.replacing("\(digit)\(old)", with: "\(digit)\(new)", maxReplacements: 1)
            }
        }
        return nil
    }

    /// One sign becomes another one of its kind.
    private mutating func changed(_ text: String, where fits: (Unicode.Scalar) -> Bool) -> String? {
        var scalars = Array(text.unicodeScalars)
        guard let index = scalars.indices.filter({ fits(scalars[$0]) }).randomElement(using: &random)
        else { return nil }
        let letters = scalars[index].isCapital ? "BCDFGHJKMNPQRSTVWXZ" : "bcdfghjkmnpqrstvwxz"
        let others = (scalars[index].isDigit ? "123456789" : letters).unicodeScalars
        guard let other = others.filter({ $0 != scalars[index] }).randomElement(using: &random) else { return nil }
        scalars[index] = other
        return String(String.UnicodeScalarView(scalars))
    }

    private mutating func negated(_ text: String) -> String? {
        let pairs = [
            ("不享受", "享受"), ("不予报销", "予以报销"), ("不发放", "发放"), ("不得自行", "可以自行"), ("不允许接入", "允许接入"), ("禁止使用", "可以使用"),
            ("可以享受", "不可以享受"), ("可以结转", "不得结转"), ("可以乘坐", "不能乘坐"), ("须提交", "无需提交"), ("可以休假", "不可以休假"),
            ("必须使用", "无需使用"), ("may not work", "may work"), ("may work", "may not work"), ("is not reimbursed",
            "is reimbursed"),
            ("are reimbursed", "are not reimbursed"), ("do not contain", "contain"), ("is never copied", "is copied"),
            ("must be attached", "need not be attached"), ("are rejected", "are not rejected"), ("are tested",
            "are never tested"),
            ("are not scheduled", "are scheduled"), ("is paid", "is not paid"), ("requires approval",
            "requires no approval"),
        ]
        let fitting = pairs.filter { text.contains($0.0) }
        return fitting.randomElement(using: &random).map { text.replacing($0.0, with: $0.1) }
    }
}

@Suite("A model that lies")
struct CitationAdversaryTests {
    @Test("At least 99 of 100 lies are found out", arguments: Adversary.Lie.allCases)
    func lies(_ lie: Adversary.Lie) {
        var adversary = Adversary(random: SplitMix64(seed: 7))
        var (told, caught) = (0, 0)
        var missed: [String: Int] = [:]
        for _ in 0..<20_000 where told < 400 {
            guard let sentence = adversary.tell(lie) else { continue }
            told += 1
            if Handbook.checker.check(sentence).contains(where: { !$0.flaws.isEmpty }) {
                caught += 1
            } else {
                missed[sentence, default: 0] += 1
            }
        }
        print("\(lie): \(caught) of \(told) found out; missed \(missed.sorted { $0.value > $1.value }.prefix(8))")
        #expect(told == 400)
        #expect(Double(caught) >= 0.99 * Double(told), "\(lie): \(caught) of \(told); missed \(missed)")
    }

    @Test("What is true is not called wrong: at most 5 of 100 sentences, quoted or in other words")
    func faithful() {
        let quoted = Handbook.sentences.flatMap { [$0.text, "\($0.text)[\($0.source)]"] }
        for (kind, sentences) in [("quoted", quoted), ("in other words", Handbook.faithful)] {
            let alarms = sentences.filter { Handbook.checker.check($0).contains { !$0.flaws.isEmpty } }
            print("\(kind): \(alarms.count) false alarms of \(sentences.count): \(alarms)")
            #expect(Double(alarms.count) <= 0.05 * Double(sentences.count), "\(kind): \(alarms)")
        }
    }

    @Test("Citations show the words of the document, exactly, where the chunk's text was squeezed")
    func offsets() {
        for (text, source) in Handbook.sentences {
            let citations = Handbook.checker.check("\(text)[\(source)]").flatMap(\.citations)
            let scalars = Array(Handbook.passages[source - 1].document.text.unicodeScalars)
            let shown = citations.filter { $0.source == source }.map { Handbook.line(scalars[$0.range]) }
            #expect(shown.contains { $0.contains(text) }, "\(text): \(shown)")
        }
    }
}
