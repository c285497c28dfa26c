/// A hash table whose entries lie close together: one can be chosen at random in one step, and a scan can stop and go
/// on.
///
/// The upper bits of a hash name a bucket, and a bucket is a chain through the entries. An entry that is removed is
/// replaced by the last one. A scan's cursor is a point in the space of hashes: buckets before it were seen. However
/// the table grows or shrinks meanwhile, buckets only split or join there, so what stays is seen, at worst twice.
struct Table<Value: Sendable>: Sendable {
    struct Entry: Sendable {
        let key: Bytes
        fileprivate let hash: UInt32
        /// The next entry of the bucket, or `Self.none`.
        fileprivate var next: Int32
        var value: Value
    }

    /// Up to so many entries are looked through one by one, without buckets.
    private static var fewEntries: Int { 8 }
    private static var none: Int32 { -1 }

    /// Values may be changed in place; entries are added and removed by the functions below only.
    var entries: [Entry] = []
    /// The first entry of each bucket: a power of two of them, or none at all for few entries.
    private var buckets: [Int32] = []

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }

    func find(_ key: Bytes) -> Int? {
        if buckets.isEmpty { return entries.firstIndex { $0.key == key } }
        let hash = Self.hash(key)
        var index = buckets[bucket(of: hash)]
        while index != Self.none {
            let entry = Int(index)
            if entries[entry].hash == hash, entries[entry].key == key { return entry }
            index = entries[entry].next
        }
        return nil
    }

    /// Adds a key that is not here yet, as the last entry.
    mutating func insert(_ key: Bytes, _ value: Value) {
        entries.append(Entry(key: key, hash: Self.hash(key), next: Self.none, value: value))
        if buckets.isEmpty ? count > Self.fewEntries : count > buckets.count {
            rebuild(buckets: max(2 * Self.fewEntries, 2 * buckets.count))
        } else if !buckets.isEmpty {
            link(count - 1)
        }
    }

    /// Removes an entry; the last one takes its place.
    mutating func remove(at index: Int) {
        unlink(index)
        let last = count - 1
        if index != last {
            unlink(last)
            entries.swapAt(index, last)
            entries.removeLast()
            link(index)
        } else {
            entries.removeLast()
        }
        if count < buckets.count / 8 {
            // The memory goes back too.
            entries = Array(entries)
            rebuild(buckets: count <= Self.fewEntries ? 0 : buckets.count / 4)
        }
    }

    /// The entries of the next buckets, at least `count` of them if there are so many.
    ///
    /// - Parameter cursor: 0 to begin, then what was answered.
    /// - Returns: their places, and the next cursor; 0 when all was seen.
    func scan(from cursor: UInt64, count wanted: Int) -> (places: [Int], next: UInt64) {
        guard !buckets.isEmpty else { return (Array(entries.indices), 0) }
        guard cursor <= UInt64(UInt32.max) else { return ([], 0) }
        var places: [Int] = []
        for bucket in bucket(of: UInt32(cursor))..<buckets.count {
            if places.count >= wanted { return (places, UInt64(bucket) << shift) }
            var index = buckets[bucket]
            while index != Self.none {
                places.append(Int(index))
                index = entries[Int(index)].next
            }
        }
        return (places, 0)
    }

    private static func hash(_ key: Bytes) -> UInt32 { UInt32(truncatingIfNeeded: key.hashValue) }

    private var shift: Int { 32 - buckets.count.trailingZeroBitCount }

    private func bucket(of hash: UInt32) -> Int { Int(hash >> UInt32(shift)) }

    private mutating func link(_ index: Int) {
        guard !buckets.isEmpty else { return }
        let bucket = bucket(of: entries[index].hash)
        entries[index].next = buckets[bucket]
        buckets[bucket] = Int32(index)
    }

    private mutating func unlink(_ index: Int) {
        guard !buckets.isEmpty else { return }
        let bucket = bucket(of: entries[index].hash)
        let target = Int32(index)
        guard buckets[bucket] != target else {
            buckets[bucket] = entries[index].next
            return
        }
        var before = Int(buckets[bucket])
        while entries[before].next != target { before = Int(entries[before].next) }
        entries[before].next = entries[index].next
    }

    private mutating func rebuild(buckets size: Int) {
        buckets = Array(repeating: Self.none, count: size)
        for index in entries.indices { link(index) }
    }
}

extension Table: Equatable where Value: Equatable {
    /// The order of the entries does not matter.
    static func == (left: Table, right: Table) -> Bool {
        left.count == right.count
            && left.entries.allSatisfy { entry in
                right.find(entry.key).map { right.entries[$0].value == entry.value } ?? false
            }
    }
}

/// The value of a table that is a set.
struct Blank: Sendable, Equatable {}
