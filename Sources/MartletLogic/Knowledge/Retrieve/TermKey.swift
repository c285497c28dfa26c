/// A term in eight bytes: itself where it is no longer than that, else a hash that no other term begins with.
///
/// Keys of terms in full are ordered as the terms are, so those that begin alike stand together.
struct TermKey: Hashable, Comparable, Sendable {
    let value: UInt64

    init(value: UInt64) { self.value = value }

    init(_ term: Span<UInt8>) {
        if term.count <= 8 {
            var value: UInt64 = 0
            for index in term.indices { value |= UInt64(term[index]) << (56 - 8 * UInt64(index)) }
            self.value = value
        } else {
            var hash: UInt64 = 0x9e37_79b9_7f4a_7c15
            for index in term.indices {
                hash = (hash ^ UInt64(term[index])) &* 0x100_0000_01b3
                hash ^= hash >> 29
            }
            hash = (hash ^ hash >> 32) &* 0xd6e8_feb8_6659_fd93
            // UTF-8 has no such byte.
            value = 0xff << 56 | (hash ^ hash >> 32) & 0x00ff_ffff_ffff_ffff
        }
    }

    /// The keys of all terms of up to eight bytes that begin with this one, of less than eight.
    static func keys(beginningWith term: Span<UInt8>) -> ClosedRange<TermKey> {
        let first = TermKey(term)
        let free = UInt64(max(0, 8 - term.count)) * 8
        return first...TermKey(value: first.value | (free == 0 ? 0 : (1 << free) - 1))
    }

    static func < (left: TermKey, right: TermKey) -> Bool { left.value < right.value }
}
