/// Which lists are queues of kombu's: it writes each queue into a set, `_kombu.binding.` and the exchange's name,
/// before anything is sent to it.
///
/// A member is `routing key, pattern, queue`, with a separator that users may choose (`sep`). It is learned from the
/// first queue whose exchange and routing key have its own name, as Celery declares them.
struct Bindings: Sendable {
    private static let mark = Array("_kombu.binding.".utf8)
    private static let usualSeparator: [UInt8] = [0x06, 0x16]
    /// More of them are not kept in mind.
    private static let maximumFormer = 4096
    private static let maximumSeparators = 8

    private var separators = [Bindings.usualSeparator]
    /// The queue's list for each member of each set; an empty name: not understood yet.
    private var sets: [Bytes: [Bytes: Bytes]] = [:]
    /// How many members name a list.
    private var lists: [Bytes: Int] = [:]
    /// Lists that were queues when the database was cleared: who used them does not write it down again.
    private var former: Set<Bytes> = []

    /// The lists of all queues, those of priority 0.
    var queues: some Collection<Bytes> { lists.keys }

    /// Whether a key is a list of a queue, of whatever priority.
    func isQueue(_ key: Bytes) -> Bool { lists[key] != nil || lists[queue(of: key)] != nil }

    /// Whether consumers may be about to take messages from a list: it is a queue, or was one.
    func isConsumed(_ key: Bytes) -> Bool { isQueue(key) || former.contains(key) || former.contains(queue(of: key)) }

    /// Whether a key is a set of bindings.
    static func isSet(_ key: Bytes) -> Bool { place(in: key) != nil }

    /// The list of the queue whose priorities `key` may be one of: without the separator and the number at its end.
    func queue(of key: Bytes) -> Bytes {
        guard lists[key] == nil else { return key }
        var rest = key.array[...]
        while let last = rest.last, UInt8(ascii: "0")...UInt8(ascii: "9") ~= last { rest.removeLast() }
        guard rest.count < key.count else { return key }
        let separator = separators.first { rest.count > $0.count && rest.suffix($0.count).elementsEqual($0) }
        return separator.map { Bytes(rest.dropLast($0.count)) } ?? key
    }

    /// The list that holds messages of that priority, as long as nobody chose other steps.
    static func list(_ queue: Bytes, priority: Int) -> Bytes {
        let step = [9, 6, 3].first { priority >= $0 }
        return step.map { Bytes(queue.array + usualSeparator + Array("\($0)".utf8)) } ?? queue
    }

    mutating func add(_ members: [Bytes], to key: Bytes) {
        guard let place = Self.place(in: key) else { return }
        for member in members where sets[key]?[member] == nil {
            let knew = separators.count
            let list = list(member, in: key, at: place)
            sets[key, default: [:]][member] = list
            if !list.isEmpty { lists[list, default: 0] += 1 }
            if separators.count > knew { readAgain() }
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

    /// The database was cleared.
    mutating func clear() {
        former.formUnion(lists.keys)
        if former.count > Self.maximumFormer { former = [] }
        (sets, lists) = ([:], [:])
    }

    private mutating func forget(_ list: Bytes) {
        guard let count = lists[list] else { return }
        lists[list] = count > 1 ? count - 1 : nil
    }

    /// A separator was learned: what was not understood may be now.
    private mutating func readAgain() {
        for (key, members) in sets {
            guard let place = Self.place(in: key) else { continue }
            for (member, list) in members where list.isEmpty {
                let list = self.list(member, in: key, at: place)
                sets[key]?[member] = list
                if !list.isEmpty { lists[list, default: 0] += 1 }
            }
        }
    }

    /// The list of the queue that a member names; empty: it is not understood.
    private mutating func list(_ member: Bytes, in key: Bytes, at place: Int) -> Bytes {
        let exchange = key.array[(place + Self.mark.count)...]
        if let separator = Self.separator(member.array, exchange) {
            if !separators.contains(separator), separators.count < Self.maximumSeparators {
                separators.append(separator)
            }
            return Bytes(key.array[..<place] + exchange)
        }
        for separator in separators {
            if let name = Self.lastPart(member.array, after: separator) { return Bytes(key.array[..<place] + name) }
        }
        return Bytes()
    }

    /// Where the mark begins: what stands before it is put before all keys.
    private static func place(in key: Bytes) -> Int? {
        guard key.count >= mark.count else { return nil }
        return (0...(key.count - mark.count)).first { key.array[$0...].starts(with: mark) }
    }

    /// What stands twice between the name of the exchange and the name of the exchange.
    private static func separator(_ member: [UInt8], _ exchange: ArraySlice<UInt8>) -> [UInt8]? {
        guard !exchange.isEmpty, member.count >= 2 * exchange.count + 2, member.starts(with: exchange),
            member.suffix(exchange.count).elementsEqual(exchange)
        else { return nil }
        let middle = member[exchange.count..<(member.count - exchange.count)]
        let half = middle.prefix(middle.count / 2)
        return middle.count.isMultiple(of: 2) && half.elementsEqual(middle.suffix(half.count)) ? Array(half) : nil
    }

    /// What follows the last separator.
    private static func lastPart(_ member: [UInt8], after separator: [UInt8]) -> ArraySlice<UInt8>? {
        guard member.count > separator.count else { return nil }
        for index in stride(from: member.count - separator.count - 1, through: 0, by: -1)
        where member[index...].starts(with: separator) {
            return member[(index + separator.count)...]
        }
        return nil
    }
}
