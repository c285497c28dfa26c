import NIOCore

extension ByteBuffer {
    /// The readable bytes at `range`, counted from the reader index; empty if they are not all there.
    @inline(__always)
    func slice(_ range: Range<Int>) -> ByteBuffer {
        getSlice(at: readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
    }

    /// Takes what is there, at most `count` bytes, without copying; nil when there is nothing.
    @inline(__always)
    mutating func readNonEmptySlice(upTo count: Int) -> ByteBuffer? {
        readableBytes > 0 ? readSlice(length: min(count, readableBytes)) : nil
    }

    /// Appends a copy of `bytes`.
    @inline(__always)
    mutating func write(_ bytes: Span<UInt8>) {
        // SAFETY: `bytes` is marked unsafe for element types with padding; UInt8 has none.
        unsafe writeBytes(bytes.bytes)
    }
}
