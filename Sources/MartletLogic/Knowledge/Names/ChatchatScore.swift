/// Langchain-Chatchat's scores: the square of the distance of two vectors of length 1. 0 is the same, 2 has nothing in
/// common, smaller is closer.
public enum ChatchatScore {
    /// Of a search that leaves nothing out.
    public static let all = 2.0
    /// What its answers say in place of a score, whatever was found.
    public static let placeholder = 3.0

    /// The lowest score, 0...1 and larger is better, of what is as close as `threshold`.
    public static func minimum(for threshold: Double) -> Double {
        min(1, max(0, 1 - threshold / 2))
    }
}
