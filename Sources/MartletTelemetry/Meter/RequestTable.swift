import MartletBase

/// The counts of one combination of request labels.
package struct RequestCell: Sendable {
    package let key: RequestKey
    /// Where the target's own row is, so that one look-up finds both.
    var slot: TargetSlot?
    package var duration = Histogram<DurationScale>()
}

/// Cells by key: open addressing over packed words, so that finding one hashes no more than one multiplication.
struct RequestTable: Sendable {
    /// Label combinations that one loop keeps apart; further ones share a cell for each outcome.
    static let maximumCells = 8192

    private(set) var cells: [RequestCell] = []
    /// 0 for free, which no key is.
    private var keys: [UInt64]
    private var places: [UInt32]

    init(capacity: Int = 256) {
        keys = Array(repeating: 0, count: capacity)
        places = Array(repeating: 0, count: capacity)
        cells.reserveCapacity(capacity / 2)
    }

    subscript(place: Int) -> RequestCell {
        get { cells[place] }
        _modify { yield &cells[place] }
    }

    /// The place of the cell for `key`, made when it is new.
    mutating func place(of key: RequestKey) -> Int {
        let index = probe(key.packed)
        return keys[index] == 0 ? insert(key) : Int(places[index])
    }

    /// Drops the cells of a target that is gone.
    mutating func forget(_ target: TargetID) {
        let kept = cells.filter { $0.key.target != target }
        guard kept.count < cells.count else { return }
        cells = kept
        rebuild(capacity: keys.count)
    }

    private mutating func insert(_ wanted: RequestKey) -> Int {
        var key = wanted
        var index = probe(key.packed)
        if cells.count >= Self.maximumCells {
            key = .overflow(key.outcome)
            index = probe(key.packed)
            if keys[index] != 0 { return Int(places[index]) }
        } else if (cells.count + 1) * 2 > keys.count {
            rebuild(capacity: keys.count * 2)
            index = probe(key.packed)
        }
        cells.append(RequestCell(key: key))
        keys[index] = key.packed
        places[index] = UInt32(cells.count - 1)
        return cells.count - 1
    }

    /// The index of `key`, or of the free place where it belongs. Half of the places are always free.
    private func probe(_ key: UInt64) -> Int {
        let mask = keys.count - 1
        var index = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
        while keys[index] != 0, keys[index] != key {
            index = (index + 1) & mask
        }
        return index
    }

    private mutating func rebuild(capacity: Int) {
        keys = Array(repeating: 0, count: capacity)
        places = Array(repeating: 0, count: capacity)
        for (place, cell) in cells.enumerated() {
            let index = probe(cell.key.packed)
            keys[index] = cell.key.packed
            places[index] = UInt32(place)
        }
    }
}
