import MartletBase

/// The words that carry what a sentence says, as numbers that are the same for the same word: pairs of Chinese
/// characters, stems of English words. What is in every sentence is left out.
enum TermReader {
    struct Term: Sendable, Hashable {
        var key: UInt64
        /// Where it begins.
        var start: Int
    }

    /// What stands in a part of the text, in its order. Numbers are no terms: details are compared exactly.
    static func read(_ text: FoldedText, in range: Range<Int>) -> [Term] {
        var terms: [Term] = []
        var index = range.lowerBound
        while index < range.upperBound {
            let scalar = text.scalars[index]
            if scalar.isDense {
                let start = index
                while index < range.upperBound, isContent(text.scalars[index]) { index += 1 }
                addPairs(start..<index, of: text, to: &terms)
                if index == start { index += 1 }
            } else if scalar.isLetter {
                let start = index
                while index < range.upperBound, text.scalars[index].isLetter || text.scalars[index] == "'" {
                    index += 1
                }
                if let key = key(ofWord: text.scalars[start..<index]) { terms.append(Term(key: key, start: start)) }
            } else {
                index += 1
            }
        }
        return terms
    }

    private static func addPairs(_ range: Range<Int>, of text: FoldedText, to terms: inout [Term]) {
        if range.count == 1 {
            terms.append(Term(key: key(text.scalars[range]), start: range.lowerBound))
        } else {
            for start in range.dropLast() {
                terms.append(Term(key: key(text.scalars[start...start + 1]), start: start))
            }
        }
    }

    private static func isContent(_ scalar: Unicode.Scalar) -> Bool { scalar.isDense && !particles.contains(scalar) }

    private static func key(_ scalars: some Collection<Unicode.Scalar>) -> UInt64 {
        var hash = FNV1a()
        for scalar in scalars {
            hash.add(UInt8(truncatingIfNeeded: scalar.value))
            hash.add(UInt8(truncatingIfNeeded: scalar.value >> 8))
            hash.add(UInt8(truncatingIfNeeded: scalar.value >> 16))
        }
        return hash.value
    }

    /// nil: the word says nothing.
    static func key(ofWord word: ArraySlice<Unicode.Scalar>) -> UInt64? {
        var word = word
        while word.last == "'" { word = word.dropLast() }
        if word.count > 2, word.last == "s", word[word.endIndex - 2] == "'" { word = word.dropLast(2) }
        guard word.count > 1, !stops.contains(String(String.UnicodeScalarView(word))) else { return nil }
        return key(stem(word))
    }

    /// Enough of a stem to tell leave from leaves, carry from carried.
    private static func stem(_ word: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
        var word = word
        func ends(_ text: String) -> Bool {
            word.count > text.count + 2 && word.suffix(text.count).elementsEqual(text.unicodeScalars)
        }
        if ends("ies") || ends("ied") {
            word = word.dropLast(3) + ["y"]
        } else if ends("ing") {
            word = word.dropLast(3)
        } else if ends("ed") {
            word = word.dropLast(2)
        } else if ends("s"), !ends("ss"), !ends("us") {
            word = word.dropLast()
        }
        if word.count > 3, word.last == "e" { word = word.dropLast() }
        // stopped, planning
        if word.count > 3, let last = word.last, last == word[word.endIndex - 2],
            !"aeilos".unicodeScalars.contains(last)
        {
            word = word.dropLast()
        }
        return word
    }

    private static let particles = Set<Unicode.Scalar>(
        "的了是在和与及或也都就而且但被把将对为以于这那其该之有我你您他她它们请吗呢吧啊嘛呀着过即则所并可能会应需须不没无未".unicodeScalars)

    private static let stops = Set(
        """
        a an the and or but if then than that this these those there here it its he she they them their his \
        her you your we \
        our us i me my is are was were be been being am do does did done doing have has had having will would \
        shall should can \
        could may might must not no nor never cannot of to in on at by for from with as into onto per about \
        over under up out \
        so such also only just each every any all some both either neither which who whom whose what when \
        where why how \
        while during because therefore however please yes let via don't doesn't didn't can't won't isn't aren't wasn't \
        weren't hasn't haven't shouldn't couldn't wouldn't without none
        """.split(separator: " ").map(String.init))
}
