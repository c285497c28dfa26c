import CMartlet

/// How this processor calculates with vectors.
struct VectorKernels: Sendable {
    private let way: martlet_vectors_way

    /// The fastest that it knows.
    static let best = VectorKernels(way: martlet_vectors_best())

    /// All that it knows, for tests.
    static var all: [VectorKernels] {
        (0...martlet_vectors_best().rawValue).map { VectorKernels(way: martlet_vectors_way($0)) }
    }

    /// As many queries may share a pass.
    static let mostQueries = martlet_vectors_most_queries

    /// How many bytes the codes of so many numbers take.
    static func stride(_ dimensions: Int) -> Int {
        let unit = martlet_vectors_stride
        return (dimensions + unit - 1) / unit * unit
    }

    /// The dot products of queries and rows: `dots[query * rows + row]`.
    ///
    /// - Parameters:
    ///   - rows: Whole rows of `stride` bytes, each 128 + a value from -127 to 127.
    ///   - queries: At most ``mostQueries`` of `stride` values from -127 to 127.
    func dots(_ rows: Span<UInt8>, _ queries: Span<Int8>, stride: Int, into dots: inout MutableSpan<Int32>) {
        let (count, queryCount) = (rows.count / stride, queries.count / stride)
        precondition(queryCount <= Self.mostQueries && dots.count >= count * queryCount)
        // SAFETY: the counts are those of the spans; the room for the results was looked at.
        unsafe rows.withUnsafeBufferPointer { rows in
            unsafe queries.withUnsafeBufferPointer { queries in
                unsafe dots.withUnsafeMutableBufferPointer { dots in
                    guard let row = rows.baseAddress, let query = queries.baseAddress, let dot = dots.baseAddress else {
                        return
                    }
                    // SAFETY: as above.
                    unsafe martlet_vectors_dots(way, row, count, stride, query, queryCount, dot, count)
                }
            }
        }
    }

    /// The rows whose product times their scale times `factor` is at least `least`; how many they are.
    static func pick(
        _ dots: Span<Int32>, _ scales: Span<Float>, factor: Float, least: Float, into picked: inout MutableSpan<UInt32>
    ) -> Int {
        precondition(scales.count >= dots.count && picked.count >= dots.count)
        // SAFETY: there are as many scales and there is as much room as there are products.
        return unsafe dots.withUnsafeBufferPointer { dots in
            unsafe scales.withUnsafeBufferPointer { scales in
                unsafe picked.withUnsafeMutableBufferPointer { picked in
                    guard let dot = dots.baseAddress, let scale = scales.baseAddress, let place = picked.baseAddress
                    else { return 0 }
                    // SAFETY: as above.
                    return unsafe martlet_vectors_pick(dot, scale, dots.count, factor, least, place)
                }
            }
        }
    }

    /// The dot product of two vectors of one length.
    func dot(_ left: Span<Float>, _ right: Span<Float>) -> Float {
        precondition(left.count == right.count)
        // SAFETY: both have as many numbers.
        return unsafe left.withUnsafeBufferPointer { left in
            unsafe right.withUnsafeBufferPointer { right in
                guard let first = left.baseAddress, let second = right.baseAddress else { return 0 }
                // SAFETY: as above.
                return unsafe martlet_vectors_dot(way, first, second, left.count)
            }
        }
    }
}
