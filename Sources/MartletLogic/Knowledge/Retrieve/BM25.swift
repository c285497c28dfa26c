/// How much a term counts in a text: the usual formula and its two settings.
public struct BM25: Sendable, Equatable {
    /// How far repetition counts.
    public var k1: Double
    /// How far long texts are held back, 0...1.
    public var b: Double

    public init(k1: Double = 1.2, b: Double = 0.75) {
        self.k1 = k1
        self.b = b
    }

    /// What a term of `holding` of `rows` texts is worth.
    public func rarity(holding: Int, of rows: Int) -> Double {
        let (holding, rows) = (Double(holding), Double(rows))
        return log1p((rows - holding + 0.5) / (holding + 0.5))
    }
}

/// The natural logarithm of 1 + `x`, for x >= 0: this room has no library of functions, and needs one of them.
private func log1p(_ x: Double) -> Double {
    let value = 1 + x
    // value = significand * 2^exponent, 1 <= significand < 2; ln s = 2 artanh((s - 1) / (s + 1)).
    let ratio = (value.significand - 1) / (value.significand + 1)
    let square = ratio * ratio
    var (power, sum) = (ratio, 0.0)
    for divisor in stride(from: 1.0, through: 31, by: 2) {
        sum += power / divisor
        power *= square
    }
    return 2 * sum + Double(value.exponent) * 0.693_147_180_559_945_3
}
