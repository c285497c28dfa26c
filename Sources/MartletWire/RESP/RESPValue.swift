public import NIOCore

/// Whatever a RESP server answers.
public indirect enum RESPValue: Sendable, Equatable {
    case simple(String)
    /// The whole text, such as `WRONGTYPE Operation against …`. Of either kind, short or bulk.
    case error(String)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    /// An integer that may be longer than 64 bits, in decimal.
    case bigNumber(String)
    case bulk(ByteBuffer)
    /// Text with the three letters of its format, such as `txt`.
    case verbatim(format: String, ByteBuffer)
    /// RESP3's null, or the null bulk string of RESP2.
    case null
    /// The null array of RESP2.
    case nullArray
    case array([RESPValue])
    case set([RESPValue])
    case map([Pair])
    /// Not an answer, but what the server sends of itself, such as a message of a channel.
    case push([RESPValue])

    /// An entry of a map, in the order of the wire.
    public struct Pair: Sendable, Equatable {
        public var key: RESPValue
        public var value: RESPValue

        public init(_ key: RESPValue, _ value: RESPValue) {
            self.key = key
            self.value = value
        }
    }

    public static func bulk(_ text: String) -> RESPValue { .bulk(ByteBuffer(string: text)) }
}
