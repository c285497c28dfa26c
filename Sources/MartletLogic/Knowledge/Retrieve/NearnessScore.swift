/// How well a passage answers, by all that is known of it: its words, its own vector, and those of its pieces.
///
/// The weights were tuned on one half of questions about a handbook in Chinese and English, and looked at on the other.
public enum NearnessScore {
    private static let words = 0.01
    private static let meaning = 0.8
    /// The cosines of pieces lie near each other, so they count for much.
    private static let pieces = 12.0
    /// What passages have that are neither good nor bad.
    private static let middle = 10.5

    /// - Parameter windows: The cosine of each piece.
    /// - Returns: 0...1.
    public static func score(_ passage: Passage, windows: [Float]) -> Double {
        let best = Double(windows.max() ?? 0)
        let mean = windows.isEmpty ? 0 : Double(windows.reduce(0, +)) / Double(windows.count)
        let sum = words * (passage.why.wordScore ?? 0) + meaning * (passage.why.cosine ?? 0)
            + pieces * (best + mean) / 2
        let above = sum - middle
        return 0.5 + above / (2 * (1 + abs(above)))
    }
}
