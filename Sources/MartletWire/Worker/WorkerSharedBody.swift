import NIOCore

/// Where in the shared memory a body lies: what an item with the flag `SHM` has in the place of its body.
public struct WorkerSharedBody: Sendable, Equatable {
    /// Of what stands for the body in an item.
    static let referenceBytes = 20

    /// From the beginning of the memory.
    public let offset: Int
    public let length: Int
    /// Told by the side that put the body there, and said again when it is released.
    public let generation: UInt32

    public init(offset: Int, length: Int, generation: UInt32) {
        self.offset = offset
        self.length = length
        self.generation = generation
    }

    /// nil when it is no reference, or to what is not wholly in `part` of the memory.
    init?(_ reference: ByteBuffer, within part: Range<Int>) {
        var reference = reference
        guard reference.readableBytes == Self.referenceBytes,
            let (offset, length, generation) = reference.readMultipleIntegers(
                endianness: .little, as: (UInt64, UInt64, UInt32).self),
            let offset = Int(exactly: offset), let length = Int(exactly: length),
            part.lowerBound <= offset, offset <= part.upperBound, length <= part.upperBound - offset
        else { return nil }
        self.init(offset: offset, length: length, generation: generation)
    }

    var reference: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(
            UInt64(clamping: offset), UInt64(clamping: length), generation, endianness: .little)
        return buffer
    }
}
