import MartletLogic

extension Keyspace {
    /// A change that does not fit the data: what came before it is not all there.
    private struct Misfit: Error, CustomStringConvertible {
        let description: String
    }

    /// Repeats what a record of the journal says.
    mutating func replay(_ record: [UInt8]) throws {
        for mutation in try MutationCodec.decode(record) where !apply(mutation) {
            throw Misfit(description: "a change that does not fit: \(mutation)")
        }
    }
}
