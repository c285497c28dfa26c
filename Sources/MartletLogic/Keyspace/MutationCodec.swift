/// Mutations as bytes, for the journal: numbers as variable-length integers, byte strings with their length before
/// them.
///
/// The bytes begin with the version of the form. A mutation is its kind, its database, its key and what the kind needs.
public enum MutationCodec {
    /// Bytes that are no mutations: another version's, or damaged where no checksum saw it.
    public struct Malformed: Error, Equatable {
        /// Where reading stopped.
        public var offset: Int
    }

    static let version: UInt8 = 1

    /// What a mutation begins with. Numbers that were written once keep their meaning.
    enum Kind: UInt8 {
        case set = 1, setWithExpiry, append, overwrite, expire, persist, remove, move, copy, clear, swap
        case pushLeft = 16, pushRight, popLeft, popRight, setElement, insertElement
        case removeElementsLeft, removeElementsRight, keepElements
        case setFields = 32, removeFields, addMembers, removeMembers, score, unscore
    }

    public static func encode(_ mutations: [Mutation]) -> [UInt8] {
        var record = MutationRecord()
        record.write(mutations)
        return record.bytes
    }

    /// Refuses what it does not know, what is cut short and what could not have been written.
    public static func decode(_ bytes: [UInt8]) throws(Malformed) -> [Mutation] {
        var reader = MutationReader(bytes)
        guard try reader.byte() == version else { throw Malformed(offset: 0) }
        var mutations: [Mutation] = []
        while !reader.isAtEnd { mutations.append(try reader.mutation()) }
        return mutations
    }
}

/// Mutations as bytes, each time in the same memory: between what stays, bytes that come and go for every command would
/// leave gaps that nothing fits into.
public struct MutationRecord: Sendable {
    private static let keptBytes = 1 << 20

    private var writer = MutationWriter()

    public init() {}

    /// What was written last.
    public var bytes: [UInt8] { writer.bytes }

    /// Writes over what was here before.
    public mutating func write(_ mutations: [Mutation]) {
        writer.begin(MutationCodec.version, keepingBytes: Self.keptBytes)
        for mutation in mutations { writer.write(mutation) }
    }
}
