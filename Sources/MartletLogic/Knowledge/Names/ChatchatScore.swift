/// Langchain-Chatchat's scores: the square of the distance of two vectors of length 1. 0 is the same, 2 has nothing in
/// common, smaller is closer.
public enum ChatchatScore {
    /// Of a search that leaves nothing out.
    public static let all = 2.0
    /// What its answers say in place of a score, whatever was found.
    public static let placeholder = 3.0

    /// The cosine of two vectors that are as far from each other as `threshold`, 0...2; nil: nothing is too far.
    public static func minimumCosine(for threshold: Double) -> Double? {
        threshold < all ? 1 - max(0, threshold) / 2 : nil
    }
}
