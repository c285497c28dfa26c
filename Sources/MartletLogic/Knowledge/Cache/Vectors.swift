public enum Vectors {
    /// The cosine, where both are of length 1.
    public static func dot(_ left: [Float], _ right: [Float]) -> Float {
        var sums = SIMD8<Float>()
        let whole = min(left.count, right.count) & ~7
        var index = 0
        while index < whole {
            var (a, b) = (SIMD8<Float>(), SIMD8<Float>())
            for lane in 0..<8 { (a[lane], b[lane]) = (left[index + lane], right[index + lane]) }
            sums += a * b
            index += 8
        }
        var sum = sums.sum()
        while index < min(left.count, right.count) {
            sum += left[index] * right[index]
            index += 1
        }
        return sum
    }
}
