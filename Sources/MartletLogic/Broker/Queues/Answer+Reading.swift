/// What the broker asks its own keyspace.
extension Answer {
    var asInteger: Int64 {
        if case .integer(let number) = self { number } else { 0 }
    }

    var asBytes: Bytes? {
        if case .bulk(let bytes) = self { bytes } else { nil }
    }

    var asDouble: Double? {
        if case .double(let number) = self { number } else { nil }
    }

    /// The byte strings of an array or a set.
    var asList: [Bytes] {
        switch self {
        case .array(let elements), .set(let elements): elements.compactMap(\.asBytes)
        default: []
        }
    }

    var asPairs: [Pair] {
        switch self {
        case .map(let pairs), .pairs(let pairs): pairs
        default: []
        }
    }
}
