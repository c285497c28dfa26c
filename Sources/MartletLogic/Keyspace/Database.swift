/// One database: its keys with what they hold, and the order in which they end.
struct Database: Sendable {
    struct Item: Sendable, Equatable {
        var stored: Stored
        /// Milliseconds since 1970; `never` when time does not end it.
        var expiry = Database.never
        /// The key's share of the keyspace's bytes.
        var bytes = 0
    }

    /// What a key holds. A collection is never empty here: its last element takes the key with it.
    enum Stored: Sendable, Equatable {
        case string(Bytes)
        case list(Ring)
        case hash(Table<Bytes>)
        case set(Table<Blank>)
        case sortedSet(SortedSet)

        var typeName: String {
            switch self {
            case .string: "string"
            case .list: "list"
            case .hash: "hash"
            case .set: "set"
            case .sortedSet: "zset"
            }
        }
    }

    static let never = Int64.max

    var items = Table<Item>()
    /// Keys that end, scored with their times. Times are exact in the item; here they need only an order.
    private(set) var expiries = SortedSet()

    /// When the first key ends.
    var nextExpiry: Int64? { expiring(1).first.map(\.at) }

    /// The keys that end first, with their times.
    func expiring(_ limit: Int) -> [(key: Bytes, at: Int64)] {
        expiries.elements(in: 0..<min(limit, expiries.count)).map { scored in
            (scored.member, items.find(scored.member).map { items.entries[$0].value.expiry } ?? Self.never)
        }
    }

    mutating func expire(_ place: Int, at expiry: Int64) {
        let key = items.entries[place].key
        items.entries[place].value.expiry = expiry
        if expiry == Self.never { expiries.remove(key) } else { expiries.set(key, score: Double(expiry)) }
    }

    mutating func remove(at place: Int) {
        if items.entries[place].value.expiry != Self.never { expiries.remove(items.entries[place].key) }
        items.remove(at: place)
    }
}

extension Database: Equatable {
    static func == (left: Database, right: Database) -> Bool { left.items == right.items }
}

/// About how much memory things take, in bytes. An array's own block, the growth of tables and what the allocator
/// rounds up are counted in.
enum Weight {
    static func of(_ bytes: Bytes) -> Int { ofBytes(bytes.count) }
    static func ofBytes(_ count: Int) -> Int { count == 0 ? 0 : 48 + count }

    /// An element of a list with its slot.
    static func element(_ bytes: Bytes) -> Int { of(bytes) + MemoryLayout<Bytes>.stride * 3 / 2 }
    static func field(_ name: Bytes, _ value: Bytes) -> Int { of(name) + of(value) + entry(Table<Bytes>.Entry.self) }
    static func member(_ member: Bytes) -> Int { of(member) + entry(Table<Blank>.Entry.self) }
    static func scored(_ member: Bytes) -> Int { of(member) + entry(Table<SortedSet.Node>.Entry.self) }
    static func key(_ key: Bytes) -> Int { of(key) + entry(Table<Database.Item>.Entry.self) }

    private static func entry<Entry>(_: Entry.Type) -> Int { MemoryLayout<Entry>.stride * 3 / 2 + 8 }
}
