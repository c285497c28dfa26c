/// A key of a database.
struct Place: Hashable, Sendable {
    var database: Int
    var key: Bytes
}

/// Several byte strings as one, each with its length before it: what the broker notes in its hidden databases.
enum Record {
    static func pack(_ parts: [Bytes]) -> Bytes {
        var packed: [UInt8] = []
        packed.reserveCapacity(parts.reduce(0) { $0 + $1.count + 8 })
        for part in parts {
            packed.append(contentsOf: "\(part.count):".utf8)
            packed.append(contentsOf: part.array)
        }
        return Bytes(packed)
    }

    /// nil: not so many parts, or no record.
    static func unpack(_ packed: Bytes, _ count: Int) -> [Bytes]? {
        var parts: [Bytes] = []
        var rest = packed.array[...]
        while !rest.isEmpty {
            guard let colon = rest.firstIndex(of: UInt8(ascii: ":")),
                let length = Int(String(decoding: rest[..<colon], as: UTF8.self)), length >= 0,
                rest.endIndex - colon - 1 >= length
            else { return nil }
            parts.append(Bytes(rest[(colon + 1)..<(colon + 1 + length)]))
            rest = rest[(colon + 1 + length)...]
        }
        return parts.count == count ? parts : nil
    }
}
