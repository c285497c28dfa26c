/// Which lists are queues of kombu's: it writes each queue into a set, `_kombu.binding.` and the exchange's name,
/// before anything is sent to it.
struct Bindings: Sendable {
    private static let mark = Array("_kombu.binding.".utf8)
    private static let separator: [UInt8] = [0x06, 0x16]

    /// The queue's list for each member of each set.
    private var sets: [Bytes: [Bytes: Bytes]] = [:]
    /// How many members name a list.
    private var lists: [Bytes: Int] = [:]

    /// Whether a key is a list of a queue, of whatever priority.
    func isQueue(_ key: Bytes) -> Bool { lists[Self.queue(of: key)] != nil }

    /// Whether a key is a set of bindings.
    static func isSet(_ key: Bytes) -> Bool { place(in: key) != nil }

    /// The list of the queue whose priorities `key` may be one of: without the separator and the number at its end.
    static func queue(of key: Bytes) -> Bytes {
        var rest = key.array[...]
        while let last = rest.last, UInt8(ascii: "0")...UInt8(ascii: "9") ~= last { rest.removeLast() }
        guard rest.count < key.count, rest.suffix(2).elementsEqual(separator) else { return key }
        return Bytes(rest.dropLast(2))
    }

    /// The list that holds messages of that priority.
    static func list(_ queue: Bytes, priority: Int) -> Bytes {
        let step = [9, 6, 3].first { priority >= $0 }
        return step.map { Bytes(queue.array + separator + Array("\($0)".utf8)) } ?? queue
    }

    mutating func add(_ members: [Bytes], to key: Bytes) {
        guard let place = Self.place(in: key) else { return }
        for member in members where sets[key]?[member] == nil {
            guard let name = Self.lastPart(member) else { continue }
            let list = Bytes(key.array[..<place] + name)
            sets[key, default: [:]][member] = list
            lists[list, default: 0] += 1
        }
    }

    mutating func remove(_ members: [Bytes], from key: Bytes) {
        guard var set = sets.removeValue(forKey: key) else { return }
        for member in members {
            if let list = set.removeValue(forKey: member) { forget(list) }
        }
        if !set.isEmpty { sets[key] = set }
    }

    mutating func removeAll(of key: Bytes) {
        for list in (sets.removeValue(forKey: key) ?? [:]).values { forget(list) }
    }

    private mutating func forget(_ list: Bytes) {
        guard let count = lists[list] else { return }
        lists[list] = count > 1 ? count - 1 : nil
    }

    /// Where the mark begins: what stands before it is put before all keys.
    private static func place(in key: Bytes) -> Int? {
        guard key.count >= mark.count else { return nil }
        return (0...(key.count - mark.count)).first { key.array[$0...].starts(with: mark) }
    }

    /// The queue of `routing key, pattern, queue`.
    private static func lastPart(_ member: Bytes) -> ArraySlice<UInt8>? {
        let bytes = member.array
        guard bytes.count >= 2 else { return nil }
        for index in stride(from: bytes.count - 2, through: 0, by: -1)
        where bytes[index] == separator[0] && bytes[index + 1] == separator[1] {
            let name = bytes[(index + 2)...]
            return name.isEmpty ? nil : name
        }
        return nil
    }
}
