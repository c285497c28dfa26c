/// The vectors of a segment: as small whole numbers for the pass over all of them, and as they are for those that come
/// near. Never changes.
struct VectorRows: Sendable {
    let dimensions: Int
    let stride: Int
    /// Of each row, `stride` bytes.
    let codes: [UInt8]
    let scales: [Float]
    /// Each by itself: whoever made them, and a segment that this one is joined to, have the same ones.
    let vectors: [[Float]]
    /// The most that the codes of a row leave out, and the most that they say, as lengths.
    let error: Float
    let length: Float

    var count: Int { scales.count }

    /// In bytes.
    var size: Int { codes.count + 4 * scales.count * (1 + dimensions) }

    /// - Parameter rows: Of `dimensions` numbers each.
    init(_ rows: [[Float]], dimensions: Int) {
        let stride = VectorKernels.stride(dimensions)
        var (scales, codes): ([Float], [UInt8]) = ([], [])
        scales.reserveCapacity(rows.count)
        codes.reserveCapacity(rows.count * stride)
        var (error, length): (Float, Float) = (0, 0)
        for row in rows {
            let row = VectorCodes(row.span, stride: stride)
            for code in row.codes { codes.append(UInt8(bitPattern: code) ^ 0x80) }
            scales.append(row.scale)
            error = max(error, row.error)
            length = max(length, row.length)
        }
        self.init(
            dimensions: dimensions, codes: codes, scales: scales, vectors: rows, error: error, length: length)
    }

    private init(
        dimensions: Int, codes: [UInt8], scales: [Float], vectors: [[Float]], error: Float, length: Float
    ) {
        self.dimensions = dimensions
        stride = VectorKernels.stride(dimensions)
        self.codes = codes
        self.scales = scales
        self.vectors = vectors
        self.error = error
        self.length = length
    }

    /// One of several, of the rows in these ranges.
    init(joining parts: [(rows: VectorRows, kept: [Range<Int>])], dimensions: Int) {
        let stride = VectorKernels.stride(dimensions)
        let count = parts.reduce(0) { $0 + $1.kept.reduce(0) { $0 + $1.count } }
        var (codes, scales, vectors): ([UInt8], [Float], [[Float]]) = ([], [], [])
        codes.reserveCapacity(count * stride)
        scales.reserveCapacity(count)
        vectors.reserveCapacity(count)
        for (rows, kept) in parts {
            for range in kept {
                codes += rows.codes[range.lowerBound * stride..<range.upperBound * stride]
                scales += rows.scales[range]
                vectors += rows.vectors[range]
            }
        }
        self.init(
            dimensions: dimensions, codes: codes, scales: scales, vectors: vectors,
            error: parts.reduce(0) { max($0, $1.rows.error) }, length: parts.reduce(0) { max($0, $1.rows.length) })
    }

    /// The dot product of a row and a vector, as they are.
    func dot(_ row: Int, _ vector: Span<Float>) -> Float {
        let own = vectors[row]
        return VectorKernels.best.dot(own.span, vector)
    }
}
