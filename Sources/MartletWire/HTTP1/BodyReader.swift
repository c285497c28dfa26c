import MartletBase
import NIOCore

/// One step in reading a body.
enum BodyStep {
    case bytes(ByteBuffer)
    case end
    case needMore
}

/// Cuts a message's body out of the bytes of its connection.
struct BodyReader: Sendable {
    enum Kind: Sendable {
        case length, chunked, untilClose
    }

    private(set) var kind = Kind.length
    private var remaining = 0
    private var chunks = ChunkedReader()

    /// Starts a body of `length` bytes.
    mutating func start(length: Int) {
        kind = .length
        remaining = length
    }

    mutating func startChunked() {
        kind = .chunked
        chunks = ChunkedReader()
    }

    mutating func startUntilClose() {
        kind = .untilClose
    }

    /// - Throws: `bodyTooLarge` when the body announces more than `limits.bodyBytes`, or `badRequest` for broken
    ///   chunks.
    @inline(__always)
    mutating func next(_ input: inout ByteBuffer, limits: HTTPLimits) throws(WireError) -> BodyStep {
        switch kind {
        case .length:
            guard remaining > 0 else { return .end }
            guard let slice = input.readNonEmptySlice(upTo: remaining) else { return .needMore }
            remaining -= slice.readableBytes
            return .bytes(slice)
        case .chunked:
            return try chunks.next(&input, limits: limits)
        case .untilClose:
            guard let slice = input.readNonEmptySlice(upTo: .max) else { return .needMore }
            return .bytes(slice)
        }
    }
}
