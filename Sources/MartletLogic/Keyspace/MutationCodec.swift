/// Mutations as bytes, for the journal: numbers as variable-length integers, byte strings with their length before them.
public enum MutationCodec {
    /// Bytes that are no mutations: another version's, or damaged where no checksum saw it.
    public struct Malformed: Error, Equatable {
        /// Where reading stopped.
        public var offset: Int
    }

    public static func encode(_ mutations: [Mutation]) -> [UInt8] {
        []
    }

    /// Refuses what it does not know, what is cut short and what is left over.
    public static func decode(_ bytes: [UInt8]) throws(Malformed) -> [Mutation] {
        throw Malformed(offset: 0)
    }
}
