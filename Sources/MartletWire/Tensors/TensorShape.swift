import MartletBase
import NIOCore

/// The shape of a tensor that somebody states: nothing is allocated by its numbers.
public struct TensorShape: Sendable, Equatable {
    /// More dimensions than this are refused: each costs a pair of brackets.
    static let maximumRank = 16

    public let dimensions: [Int]
    /// Elements in all.
    public let count: Int

    /// - Throws: `invalidBody` for more dimensions than there may be, and for a product that is no number.
    init(_ dimensions: [Int]) throws(WireError) {
        guard dimensions.count <= Self.maximumRank else {
            throw WireError(.invalidBody, "a tensor of too many dimensions")
        }
        var count = 1
        for dimension in dimensions {
            let (product, isTooLarge) = count.multipliedReportingOverflow(by: dimension)
            guard dimension >= 0, !isTooLarge else { throw WireError(.invalidBody, "a shape that is too large") }
            count = product
        }
        self.dimensions = dimensions
        self.count = count
    }
}

/// Puts the brackets of nested lists around elements that come one after the other.
struct TensorNest {
    /// Elements in one list of each level, the outermost first.
    private let blocks: [Int]
    private var index = 0

    /// - Parameter shape: Of at least one element.
    init(_ shape: TensorShape) {
        var blocks: [Int] = []
        var left = shape.count
        for dimension in shape.dimensions where dimension > 0 {
            blocks.append(left)
            left /= dimension
        }
        self.blocks = blocks
    }

    /// Before an element.
    func open(into buffer: inout ByteBuffer) {
        if index > 0 { buffer.writeStaticString(",") }
        for block in blocks.reversed() {
            guard index % block == 0 else { return }
            buffer.writeStaticString("[")
        }
    }

    /// After an element.
    mutating func close(into buffer: inout ByteBuffer) {
        index += 1
        for block in blocks.reversed() {
            guard index % block == 0 else { return }
            buffer.writeStaticString("]")
        }
    }
}
