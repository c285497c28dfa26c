/// How many tokens a text takes, without the model's own vocabulary: on the safe side for those in use, Chinese and
/// English.
///
/// A Chinese character is one token at most in the vocabularies of today's Chinese models and about one in GPT-4's;
/// English words are one for each four to six letters, digits go by threes.
public enum TokenEstimate {
    public static func tokens(_ text: some StringProtocol) -> Int {
        var tokens = 0
        var letters = 0
        var digits = 0
        func ended() -> Int { (letters + 5) / 6 + (digits + 2) / 3 }
        for scalar in text.unicodeScalars {
            if scalar.isLetter {
                letters += 1
                continue
            }
            if scalar.isDigit {
                digits += 1
                continue
            }
            tokens += ended()
            (letters, digits) = (0, 0)
            // A blank belongs to the word that follows.
            if scalar != " " { tokens += scalar.value > 0xffff ? 2 : 1 }
        }
        return tokens + ended()
    }

    /// What a message costs beside its text: its speaker and its ends.
    public static let message = 4

    /// The longest beginning that takes no more, cut behind a sentence where there is one in its second half.
    static func prefix(of text: String, tokens limit: Int) -> String {
        guard tokens(text) > limit else { return text }
        let scalars = Array(text.unicodeScalars)
        var (low, high) = (0, scalars.count)
        while low < high {
            let middle = (low + high + 1) / 2
            let isFitting = tokens(String(String.UnicodeScalarView(scalars[..<middle]))) <= limit
            if isFitting { low = middle } else { high = middle - 1 }
        }
        let ends = Set<Unicode.Scalar>("。！？；.!?\n".unicodeScalars)
        let cut = scalars[..<low].lastIndex { ends.contains($0) }.map { $0 + 1 } ?? 0
        return String(String.UnicodeScalarView(scalars[..<(cut > low / 2 ? cut : low)]))
    }
}
