/// Some of the rows of a segment.
public struct RowSet: Sendable, Equatable {
    private var words: [UInt64]
    public private(set) var count: Int

    public init(rows: Int, full: Bool) {
        words = [UInt64](repeating: full ? .max : 0, count: (rows + 63) / 64)
        count = full ? rows : 0
        if full, rows % 64 != 0 { words[words.count - 1] = (1 << UInt64(rows % 64)) - 1 }
    }

    public func contains(_ row: Int) -> Bool { words[row >> 6] >> UInt64(row & 63) & 1 == 1 }

    public mutating func insert(_ rows: Range<Int>) {
        for row in rows where !contains(row) {
            words[row >> 6] |= 1 << UInt64(row & 63)
            count += 1
        }
    }

    public mutating func remove(_ rows: Range<Int>) {
        for row in rows where contains(row) {
            words[row >> 6] &= ~(1 << UInt64(row & 63))
            count -= 1
        }
    }
}
