/// Reads mutations one after the other. Nothing is taken from a length before that many bytes were seen.
struct MutationReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { place == bytes.count }

    mutating func mutation() throws(MutationCodec.Malformed) -> Mutation {
        guard let kind = MutationCodec.Kind(rawValue: try byte()) else { throw malformed }
        let database = try self.database()
        let key = try value()
        return Mutation(database: database, key: key, change: try change(kind))
    }

    private mutating func change(_ kind: MutationCodec.Kind) throws(MutationCodec.Malformed) -> Mutation.Change {
        switch kind {
        case .set: return .set(try value(), expiry: nil)
        case .setWithExpiry:
            let value = try value()
            return .set(value, expiry: try signed())
        case .append: return .append(try value())
        case .overwrite:
            let start = try number()
            return .overwrite(at: start, with: try value())
        case .expire: return .expire(try signed())
        case .persist: return .expire(nil)
        case .remove: return .remove
        case .move:
            let target = try database()
            return .move(toDatabase: target, key: try value())
        case .copy:
            let target = try database()
            return .copy(toDatabase: target, key: try value())
        case .clear: return .clear
        case .swap: return .swap(withDatabase: try database())
        case .setFields: return .setFields(try many { reader throws(MutationCodec.Malformed) in try reader.field() })
        case .removeFields: return .removeFields(try values())
        case .addMembers: return .addMembers(try values())
        case .removeMembers: return .removeMembers(try values())
        case .score: return .score(try many { reader throws(MutationCodec.Malformed) in try reader.scored() })
        case .unscore: return .unscore(try values())
        default: return try listChange(kind)
        }
    }

    private mutating func listChange(_ kind: MutationCodec.Kind) throws(MutationCodec.Malformed) -> Mutation.Change {
        switch kind {
        case .pushLeft: return .push(try values(), .left)
        case .pushRight: return .push(try values(), .right)
        case .popLeft: return .pop(try number(), .left)
        case .popRight: return .pop(try number(), .right)
        case .setElement:
            let place = try number()
            return .setElement(place, try value())
        case .insertElement:
            let place = try number()
            return .insertElement(place, try value())
        case .removeElementsLeft, .removeElementsRight:
            let limit = try number()
            return .removeElements(try value(), limit, kind == .removeElementsLeft ? .left : .right)
        case .keepElements:
            let first = try number()
            return .keepElements(from: first, count: try number())
        default: throw malformed
        }
    }

    // MARK: - Parts

    private var malformed: MutationCodec.Malformed { MutationCodec.Malformed(offset: place) }

    mutating func byte() throws(MutationCodec.Malformed) -> UInt8 {
        guard place < bytes.count else { throw malformed }
        defer { place += 1 }
        return bytes[place]
    }

    private mutating func database() throws(MutationCodec.Malformed) -> Int {
        let database = try number()
        guard database < 2 * Keyspace.databaseCount else { throw malformed }
        return database
    }

    private mutating func field() throws(MutationCodec.Malformed) -> Mutation.Field {
        let name = try value()
        return Mutation.Field(name, try value())
    }

    private mutating func scored() throws(MutationCodec.Malformed) -> Mutation.Scored {
        let member = try value()
        var bits: UInt64 = 0
        for index in 0..<8 { bits |= UInt64(try byte()) << UInt64(8 * index) }
        let score = Double(bitPattern: bits)
        guard !score.isNaN else { throw malformed }
        return Mutation.Scored(member, score)
    }

    private mutating func values() throws(MutationCodec.Malformed) -> [Bytes] {
        try many { reader throws(MutationCodec.Malformed) in try reader.value() }
    }

    private mutating func many<Part>(
        _ read: (inout MutationReader) throws(MutationCodec.Malformed) -> Part
    ) throws(MutationCodec.Malformed) -> [Part] {
        let count = try number()
        // Each part takes a byte at least.
        guard count <= bytes.count - place else { throw malformed }
        var parts: [Part] = []
        for _ in 0..<count { parts.append(try read(&self)) }
        return parts
    }

    private mutating func value() throws(MutationCodec.Malformed) -> Bytes {
        let count = try number()
        guard count <= bytes.count - place else { throw malformed }
        defer { place += count }
        return Bytes(Array(bytes[place..<place + count]))
    }

    private mutating func number() throws(MutationCodec.Malformed) -> Int {
        guard let number = Int(exactly: try unsigned()) else { throw malformed }
        return number
    }

    private mutating func signed() throws(MutationCodec.Malformed) -> Int64 {
        let number = try unsigned()
        return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
    }

    private mutating func unsigned() throws(MutationCodec.Malformed) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try byte()
            // The tenth byte has room for one bit only.
            guard shift < 63 || byte <= 1 else { throw malformed }
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
        }
        throw malformed
    }
}
