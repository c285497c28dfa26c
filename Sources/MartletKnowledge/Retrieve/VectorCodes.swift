/// A vector in small whole numbers, -127...127, times a scale.
struct VectorCodes {
    var codes: [Int8]
    var scale: Float
    /// The length of what the codes leave out.
    var error: Float
    /// The length of what they say.
    var length: Float

    /// - Parameter stride: How many codes: zeros fill them.
    init(_ vector: Span<Float>, stride: Int) {
        var largest: Float = 0
        for index in vector.indices { largest = max(largest, abs(vector[index])) }
        scale = largest / 127
        codes = [Int8](repeating: 0, count: stride)
        var (left, said) = (0.0, 0.0)
        for index in vector.indices {
            let code = scale > 0 ? (vector[index] / scale).rounded() : 0
            codes[index] = Int8(max(-127, min(127, code)))
            let value = Double(codes[index]) * Double(scale)
            left += (Double(vector[index]) - value) * (Double(vector[index]) - value)
            said += value * value
        }
        // Rounded up: they are bounds.
        error = Float(left.squareRoot()) * 1.0001
        length = Float(said.squareRoot()) * 1.0001
    }
}
