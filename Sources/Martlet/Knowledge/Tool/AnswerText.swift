import MartletKnowledge
import MartletLogic

/// What is said below an answer: which sentences nothing bears out, what it rests on, how it came to be.
struct AnswerText {
    var answer: String
    var sources: [Passage]
    var citations: [CheckedSentence]
    /// nil: the answer has none.
    var end: AnswerEnd?

    /// Lines.
    var closing: [String] {
        var lines: [String] = []
        let flawed = citations.filter { !$0.flaws.isEmpty }
        if !flawed.isEmpty {
            lines += ["", "Not borne out by the sources:"] + flawed.map { "  ! \(flaw($0))" }
        }
        if !sources.isEmpty { lines += ["", "Sources:"] + sources.indices.map(source) }
        if let remark { lines += ["", remark] }
        return lines
    }

    private func flaw(_ sentence: CheckedSentence) -> String {
        let scalars = answer.unicodeScalars
        let words = String(
            String.UnicodeScalarView(scalars.dropFirst(sentence.range.lowerBound).prefix(sentence.range.count)))
        let reasons = sentence.flaws.map { flaw in
            switch flaw {
            case .unknownDetail(let detail): "no cited passage has \"\(TerminalText.oneLine(detail))\""
            case .unsupported: "nothing in the sources says it"
            case .unknownSource(let number): "[\(number)] is no source of it"
            }
        }
        return "\(TerminalText.oneLine(words)) (\(reasons.joined(separator: "; ")))"
    }

    /// `[1] wiki/Home.md, version 3, page 2, characters 120-340`; where sentences rest on parts of it, those.
    private func source(_ index: Int) -> String {
        let cited = citations.flatMap(\.citations).filter { $0.source == index + 1 }.map(\.range)
        return "[\(index + 1)] " + PassageText(sources[index]).address(cited: cited)
    }

    private var remark: String? {
        switch end?.kind {
        case .answered?, nil: nil
        case .cached?: "From the cache."
        case .refused?: "The base does not say."
        case .degraded?: "Without a model: the best passages, as they are."
        }
    }
}

/// A passage, for a person to read.
struct PassageText {
    private static let shownCharacters = 320

    let passage: Passage

    init(_ passage: Passage) {
        self.passage = passage
    }

    /// `wiki/Home.md, version 3, page 2, characters 120-340`.
    ///
    /// - Parameter cited: What is meant of it; empty: all.
    func address(cited: [Range<Int>] = []) -> String {
        let ranges = Set(cited).sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
        let characters = (ranges.isEmpty ? [passage.chunk.range] : ranges).map { "\($0.lowerBound)-\($0.upperBound)" }
        let parts = [
            printable(passage.document.name), "version \(passage.document.version)",
            passage.chunk.place.map { printable($0.words) },
            "characters \(characters.joined(separator: ", "))",
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }

    /// As it was found: its score, where it stands, why, and its beginning.
    func lines(number: Int) -> [String] {
        var lines = ["\(number). \(Self.figure(passage.score))  \(address())"]
        if !passage.chunk.headings.isEmpty {
            lines.append("   " + passage.chunk.headings.map { TerminalText.oneLine($0) }.joined(separator: " > "))
        }
        if !why.isEmpty { lines.append("   why: " + why.joined(separator: "; ")) }
        lines.append("   " + TerminalText.oneLine(passage.chunk.text, atMost: Self.shownCharacters))
        return lines
    }

    private var why: [String] {
        let found = passage.why
        var reasons: [String] = []
        if let rank = found.wordRank {
            let score = found.wordScore.map { " (BM25 \(Self.figure($0)))" } ?? ""
            let matched = found.matched.map { TerminalText.oneLine($0) }.joined(separator: " ")
            reasons.append("words, rank \(rank)\(score)" + (matched.isEmpty ? "" : ": \(matched)"))
        }
        if let rank = found.vectorRank {
            reasons.append("meaning, rank \(rank)" + (found.cosine.map { " (cosine \(Self.figure($0)))" } ?? ""))
        }
        return reasons
    }

    /// With three places.
    static func figure(_ number: Double) -> String {
        let thousandths = (abs(number) * 1000).rounded()
        guard thousandths < 1e15 else { return "\(number)" }
        let whole = Int(thousandths)
        let places = String(whole % 1000 + 1000).dropFirst()
        return (number < 0 && whole > 0 ? "-" : "") + "\(whole / 1000).\(places)"
    }
}
