import NIOCore

/// One step in reading a body.
enum BodyStep {
    case bytes(ByteBuffer)
    case end
    case needMore
}

/// Cuts a message's body out of the bytes of its connection.
enum BodyReader: Sendable {
    case none
    case length(Int)
    case chunked(ChunkedReader)
    case untilClose

    /// - Parameter limit: bytes of payload and chunk extensions together.
    @inline(__always)
    mutating func next(_ input: inout ByteBuffer, limit: Int) throws(WireError) -> BodyStep {
        switch self {
        case .none:
            return .end
        case .length(let remaining):
            guard remaining > 0 else { return .end }
            guard let slice = input.readSlice(length: min(remaining, input.readableBytes)), slice.readableBytes > 0
            else { return .needMore }
            self = .length(remaining - slice.readableBytes)
            return .bytes(slice)
        case .chunked(var reader):
            self = .none
            defer { self = .chunked(reader) }
            return try reader.next(&input, limit: limit)
        case .untilClose:
            guard let slice = input.readSlice(length: input.readableBytes), slice.readableBytes > 0
            else { return .needMore }
            return .bytes(slice)
        }
    }
}
