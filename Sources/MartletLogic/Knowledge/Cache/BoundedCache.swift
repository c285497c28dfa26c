import MartletBase

/// Values by their keys, bounded in number, bytes and age: what was used longest ago goes first.
struct BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var value: Value
        var bytes: Int
        var expires: Instant
        /// Its last use.
        var use: UInt64
    }

    private let count: Int
    private let bytes: Int
    private let age: Duration
    private var entries: [Key: Entry] = [:]
    private(set) var usedBytes = 0
    private var uses: UInt64 = 0
    /// Uses in their order, those that were not the last of their key among them.
    private var line: [(key: Key, use: UInt64)] = []
    private var first = 0

    init(count: Int, bytes: Int, age: Duration) {
        (self.count, self.bytes, self.age) = (count, bytes, age)
    }

    var size: Int { entries.count }

    /// Without a use of it.
    ///
    /// - Parameter now: nil: however old it is.
    func peek(_ key: Key, now: Instant? = nil) -> Value? {
        guard let entry = entries[key], now.map({ entry.expires > $0 }) ?? true else { return nil }
        return entry.value
    }

    mutating func use(_ key: Key, now: Instant) -> Value? {
        guard let entry = entries[key] else { return nil }
        guard entry.expires > now else {
            remove(key)
            return nil
        }
        touch(key)
        return entry.value
    }

    /// - Returns: the keys that went for it; itself among them where it alone is too large.
    mutating func put(_ key: Key, _ value: Value, bytes size: Int, now: Instant) -> [Key] {
        remove(key)
        guard size <= bytes, count > 0 else { return [key] }
        entries[key] = Entry(value: value, bytes: size, expires: now + age, use: 0)
        usedBytes += size
        touch(key)
        var gone: [Key] = []
        while entries.count > count || usedBytes > bytes, let oldest = oldest() {
            remove(oldest)
            gone.append(oldest)
        }
        return gone
    }

    /// Changes a value where it is: its size stays.
    mutating func change(_ key: Key, _ body: (inout Value) -> Void) {
        guard var entry = entries[key] else { return }
        body(&entry.value)
        entries[key] = entry
    }

    @discardableResult
    mutating func remove(_ key: Key) -> Value? {
        guard let entry = entries.removeValue(forKey: key) else { return nil }
        usedBytes -= entry.bytes
        return entry.value
    }

    private mutating func touch(_ key: Key) {
        uses += 1
        entries[key]?.use = uses
        line.append((key, uses))
        guard line.count > 2 * entries.count + 64 else { return }
        line = line[first...].filter { entries[$0.key]?.use == $0.use }
        first = 0
    }

    private mutating func oldest() -> Key? {
        while first < line.count {
            let (key, use) = line[first]
            first += 1
            if entries[key]?.use == use { return key }
        }
        return nil
    }
}
