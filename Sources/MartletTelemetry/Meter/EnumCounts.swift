/// One counter for each case of a small enum.
package struct EnumCounts<Key: RawRepresentable & CaseIterable & Sendable>: Sendable where Key.RawValue == UInt8 {
    private var counts = InlineArray<64, UInt64>(repeating: 0)

    package init() {}

    /// Enums counted here have at most 64 cases, numbered from zero (a test holds them to it).
    package subscript(key: Key) -> UInt64 {
        get { counts[Int(key.rawValue & 63)] }
        set { counts[Int(key.rawValue & 63)] = newValue }
    }

    package mutating func merge(_ other: Self) {
        for index in counts.indices {
            counts[index] &+= other.counts[index]
        }
    }
}
