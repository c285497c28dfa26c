/// Finds the name in a field line without looking at each byte: its bytes as three words, a hash of
/// them for a slot, one masked comparison.
struct FieldNameTable: Sendable {
    static let shared = FieldNameTable()

    private static let slotCount = 1024

    private struct Entry {
        var key: Key
        /// 0x20 where the name has a letter: or-ing it in folds the case of letters and of nothing else.
        var letters: Key
        var length: Int
    }

    private struct Key: Equatable {
        var first: UInt64 = 0
        var second: UInt64 = 0
        var third: UInt64 = 0

        @inline(__always)
        init(_ bytes: Span<UInt8>, at start: Int, count: Int) {
            first = Word.load(bytes, at: start, count: min(count, 8))
            if count > 8 { second = Word.load(bytes, at: start + 8, count: min(count - 8, 8)) }
            if count > 16 { third = Word.load(bytes, at: start + 16, count: min(count - 16, 8)) }
        }
    }

    private var multiplier: UInt64 = 0
    /// A `FieldName`'s raw value for each hash; 0 (`other`) where there is none.
    private var slots: [UInt8] = []
    /// By raw value.
    private var entries: [Entry] = []

    private static let longest = 24

    /// Tries multipliers until no two names share a slot: adding a name needs no thought.
    private init() {
        entries = FieldName.allCases.map { name in
            let bytes = Array(name.text.utf8).map(Characters.lower)
            let letters = bytes.map { $0 >= 0x61 ? UInt8(0x20) : 0 }
            return Entry(
                key: Key(bytes.span, at: 0, count: bytes.count),
                letters: Key(letters.span, at: 0, count: letters.count), length: bytes.count)
        }
        multiplier = 0x9e37_79b9_7f4a_7c15
        while !fillSlots() { multiplier = multiplier &* 6_364_136_223_846_793_005 &+ 2 }
    }

    private mutating func fillSlots() -> Bool {
        slots = Array(repeating: 0, count: Self.slotCount)
        for name in FieldName.allCases where name != .other {
            let entry = entries[Int(name.rawValue)]
            let slot = slot(entry.key, length: entry.length)
            guard slots[slot] == 0 else { return false }
            slots[slot] = name.rawValue
        }
        return true
    }

    @inline(__always)
    private func slot(_ key: Key, length: Int) -> Int {
        let fold = Word.fill(0x20)
        let mixed = (key.first | fold) &+ (key.second | fold) &* 31 &+ (key.third | fold) &* 961 &+ UInt64(length)
        return Int((mixed &* multiplier) >> 54)
    }

    /// The name that `bytes[range]` spells, in any case.
    @inline(__always)
    func name(_ bytes: Span<UInt8>, _ range: Range<Int>) -> FieldName {
        guard !range.isEmpty, range.count <= Self.longest else { return .other }
        let key = Key(bytes, at: range.lowerBound, count: range.count)
        let raw = slots[slot(key, length: range.count)]
        let entry = entries[Int(raw)]
        let differs =
            ((key.first | entry.letters.first) ^ entry.key.first)
            | ((key.second | entry.letters.second) ^ entry.key.second)
            | ((key.third | entry.letters.third) ^ entry.key.third)
        guard differs == 0, entry.length == range.count, let name = FieldName(rawValue: raw) else { return .other }
        return name
    }
}
