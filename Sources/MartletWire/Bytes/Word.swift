/// Eight bytes at a time, for the scans where looking at each byte would be the cost.
///
/// Bytes lie in a word in memory order: the first is the lowest. Masks mark a byte by its highest bit. Where a
/// mask says "exact below", bits above the lowest set one may be wrong.
enum Word {
    static let width = 8
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The eight bytes at `offset`, which must lie inside `bytes`.
    @inline(__always)
    static func load(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
        // SAFETY: every eight bytes are a valid UInt64, and the load checks its bounds.
        UInt64(littleEndian: unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The `count` (0 to 8) bytes at `offset`, followed by zeros.
    @inline(__always)
    static func load(_ bytes: Span<UInt8>, at offset: Int, count: Int) -> UInt64 {
        if offset + width <= bytes.count {
            return count >= width ? load(bytes, at: offset) : load(bytes, at: offset) & lowBytes(count)
        }
        var word: UInt64 = 0
        for index in 0..<min(count, width) {
            word |= UInt64(bytes[offset + index]) << UInt64(8 * index)
        }
        return word
    }

    /// A word whose first `count` bytes are all ones.
    @inline(__always)
    static func lowBytes(_ count: Int) -> UInt64 {
        count >= width ? .max : (1 << UInt64(8 * count)) &- 1
    }

    /// Eight copies of one byte.
    @inline(__always)
    static func fill(_ byte: UInt8) -> UInt64 {
        ones &* UInt64(byte)
    }

    /// Marks the bytes of `word` that are `byte`; exact below.
    @inline(__always)
    static func matches(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ fill(byte)
        return (difference &- ones) & ~difference & highs
    }

    /// Marks the bytes of `word` below `byte`, which is at most 0x80; exact below.
    @inline(__always)
    static func below(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        (word &- fill(byte)) & ~word & highs
    }

    /// The index of the first marked byte; 8 if there is none.
    @inline(__always)
    static func first(_ mask: UInt64) -> Int {
        mask.trailingZeroBitCount >> 3
    }

    /// The first place of `byte` in `bytes[from..<to]`, or nil.
    @inline(__always)
    static func index(of byte: UInt8, in bytes: Span<UInt8>, from: Int, to: Int) -> Int? {
        var index = from
        while index + width <= to {
            let mask = matches(load(bytes, at: index), byte)
            if mask != 0 { return index + first(mask) }
            index += width
        }
        while index < to {
            if bytes[index] == byte { return index }
            index += 1
        }
        return nil
    }

    /// The first place in `bytes[from..<to]` of `one` with `two` right behind it, or nil.
    @inline(__always)
    static func index(of one: UInt8, then two: UInt8, in bytes: Span<UInt8>, from: Int, to: Int) -> Int? {
        var index = from
        while index + width < to {
            // False marks are possible above true ones, so candidates are looked at one by one.
            var mask = matches(load(bytes, at: index), one) & matches(load(bytes, at: index + 1), two)
            while mask != 0 {
                let place = index + first(mask)
                if bytes[place] == one && bytes[place + 1] == two { return place }
                mask &= mask &- 1
            }
            index += width
        }
        while index + 1 < to {
            if bytes[index] == one && bytes[index + 1] == two { return index }
            index += 1
        }
        return nil
    }
}
